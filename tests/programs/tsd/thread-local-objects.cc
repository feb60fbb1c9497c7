// SPDX-License-Identifier: MIT
// C++ thread_local objects: made at first use in each thread, destroyed in reverse order at its
// end, before the destructors of keys, also by pthread_exit; and none left over for the next
// thread.
#include "check.h"

static pthread_key_t key;

struct Loud {
    const char *name;
    int uses = 0;
    explicit Loud(const char *name_) : name(name_) { say("make %s\n", name); }
    ~Loud() { say("destroy %s after %d uses\n", name, uses); }
};

static thread_local Loud first("first"), second("second");

struct Nested {
    ~Nested()
    {
        static thread_local Loud late("made in a destructor");
        late.uses++;
    }
};

static thread_local Nested nested;

static void key_destructor(void *)
{
    say("key\n");
}

static void *routine(void *argument)
{
    must(pthread_setspecific(key, &key));
    expect(first.uses == 0 && second.uses == 0);
    first.uses++;
    second.uses += 2;
    (void)&nested;
    if (argument)
        pthread_exit(nullptr);
    return nullptr;
}

static void *does_not_use(void *)
{
    say("nothing used\n");
    return nullptr;
}

int main()
{
    must(pthread_key_create(&key, key_destructor));
    join(start(routine, nullptr));
    join(start(does_not_use, nullptr));
    join(start(routine, &key));
    first.uses = 100;
    return finished();
}
