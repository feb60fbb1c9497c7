// SPDX-License-Identifier: MIT
// At the end of a thread: frames, thread_local objects in reverse order of their making, then keys
// by number, whichever way it ends; a thread_local that is made in a destructor of a key, too.
#include <string>

#include "check.h"

static pthread_key_t first, second;
static int pipes[2];

struct Loud {
    std::string name;
    explicit Loud(const char *given) : name(given)
    {
    }
    ~Loud()
    {
        say("destroy %s\n", name.c_str());
    }
};

static thread_local Loud one("thread_local one"), two("thread_local two");

static void late()
{
    static thread_local Loud object("made in a destructor of a key");
    say("use %s\n", object.name.c_str());
}

static void destroy_key(void *value)
{
    say("key %s\n", (const char *)value);
    if (*(const char *)value == 's')
        late();
}

static void use_all()
{
    two.name += ", used";
    one.name += ", used";
    must(pthread_setspecific(second, "second"));
    must(pthread_setspecific(first, "first"));
}

static void *returns(void *argument)
{
    Loud frame("frame");
    use_all();
    return argument;
}

static void *exits(void *argument)
{
    Loud frame("frame");
    use_all();
    pthread_exit(argument);
}

static void *is_cancelled(void *argument)
{
    Loud frame("frame");
    char byte;
    use_all();
    for (;;)
        read(pipes[0], &byte, 1);
    return argument;
}

static void *exits_in_a_catch(void *argument)
{
    try {
        Loud tried("tried");
        throw 1;
    } catch (int) {
        Loud frame("in the catch");
        use_all();
        pthread_exit(argument);
    }
}

static void *uses_nothing(void *argument)
{
    return argument;
}

int main()
{
    void *(*const ways[])(void *) = {returns, exits, is_cancelled, exits_in_a_catch, uses_nothing};
    must_sys(pipe(pipes));
    must(pthread_key_create(&first, destroy_key));
    must(pthread_key_create(&second, destroy_key));
    for (auto way : ways) {
        pthread_t thread = start(way, (void *)"value");
        if (way == is_cancelled)
            must(pthread_cancel(thread));
        void *value = join(thread);
        say("%s\n\n", value == PTHREAD_CANCELED ? "canceled" : (const char *)value);
    }
    return finished();
}
