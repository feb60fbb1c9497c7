/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <sys/auxv.h>

/*
 * TEXT values are copied: daemons write their process title over the environment, and a log file
 * named after that title is not what anybody asked for.
 */
#define STORE_FLAG(name)
#define STORE_COUNT(name)
#define STORE_SIZE(name)
#define STORE_CHOICE(name)
#define STORE_LIST(name)
#define STORE_TEXT(name) char name[UT_CONFIG_TEXT_SIZE];
#define COPY_FLAG(name) NULL
#define COPY_COUNT(name) NULL
#define COPY_SIZE(name) NULL
#define COPY_CHOICE(name) NULL
#define COPY_LIST(name) NULL
#define COPY_TEXT(name) texts.name

static struct {
#define SETTING(name, option, variable, kind, ...) STORE_##kind(name)
#include "settings.def"
#undef SETTING
} texts;

struct ut_config ut_config = {
#define SETTING(name, option, variable, kind, initial, ...) .name = (initial),
#include "settings.def"
#undef SETTING
};

const struct ut_config_setting ut_config_settings[UT_CONFIG_COUNT] = {
#define SETTING(name, option, variable, kind, initial, low, high, argument, help)                  \
    { option, variable, UT_CONFIG_KIND_##kind, initial, low, high, argument, help,                 \
      &ut_config.name, COPY_##kind(name) },
#include "settings.def"
#undef SETTING
};

/* UNTHREAD itself: on unless told otherwise. Its field is what load() turns into ut_config.off. */
static bool switched_on = true;
static const struct ut_config_setting main_switch = {
    "off", "UNTHREAD", UT_CONFIG_KIND_FLAG, 1, 0, 1, "", "load the runtime but leave it inert",
    &switched_on, NULL,
};

static bool parse_flag(const char *value, bool *result)
{
    static const char words[][2][6] = {
        { "0", "1" }, { "off", "on" }, { "no", "yes" }, { "false", "true" },
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int meaning = 0; meaning < 2; meaning++)
            if (strcmp(value, words[i][meaning]) == 0) {
                *result = meaning;
                return true;
            }
    return false;
}

static unsigned suffix_shift(char suffix)
{
    switch (suffix) {
    case 'k': case 'K': return 10;
    case 'm': case 'M': return 20;
    case 'g': case 'G': return 30;
    default: return 0;
    }
}

/* Not strtoul: that takes signs, blanks, other bases, and what the locale calls a digit. */
static bool parse_number(const struct ut_config_setting *setting, const char *value,
                         unsigned long long *result)
{
    unsigned long long number = 0;

    if (*value < '0' || *value > '9')
        return false;
    for (; *value >= '0' && *value <= '9'; value++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (unsigned)(*value - '0'), &number))
            return false;
    if (setting->kind == UT_CONFIG_KIND_SIZE) {
        unsigned shift = suffix_shift(*value);

        if (shift > 0)
            value++;
        if (number > ~0ull >> shift)
            return false;
        number <<= shift;
    }
    *result = number;
    return *value == '\0' && number >= setting->low && number <= setting->high;
}

/* The place of a value, LENGTH bytes long, among words between separators; -1 if it is not there. */
static int find_word(const char *words, const char *separator, const char *value, size_t length)
{
    for (int index = 0;; index++) {
        size_t word = strcspn(words, separator);

        if (word == length && memcmp(words, value, length) == 0)
            return index;
        if (words[word] == '\0')
            return -1;
        words += word + 1;
    }
}

static bool parse_choice(const char *words, const char *value, int *result)
{
    int index = find_word(words, "|", value, strlen(value));

    if (index < 0)
        return false;
    *result = index;
    return true;
}

static bool parse_list(const char *words, const char *value, unsigned *result)
{
    unsigned found = 0;

    for (;;) {
        size_t length = strcspn(value, ",");
        int index = find_word(words, ",", value, length);

        if (index < 0)
            return false;
        found |= 1u << index;
        if (value[length] == '\0')
            break;
        value += length + 1;
    }
    *result = found;
    return true;
}

static bool set_text(const struct ut_config_setting *setting, const char *value)
{
    size_t length = strnlen(value, UT_CONFIG_TEXT_SIZE);

    if (length == UT_CONFIG_TEXT_SIZE)
        return false;
    memmove(setting->copy, value, length + 1);
    *(const char **)setting->field = setting->copy;
    return true;
}

bool ut_config_set(const struct ut_config_setting *setting, const char *value)
{
    unsigned long long number;

    if (*value == '\0')
        return false;
    switch (setting->kind) {
    case UT_CONFIG_KIND_FLAG:
        return parse_flag(value, setting->field);
    case UT_CONFIG_KIND_CHOICE:
        return parse_choice(setting->argument, value, setting->field);
    case UT_CONFIG_KIND_LIST:
        return parse_list(setting->argument, value, setting->field);
    case UT_CONFIG_KIND_TEXT:
        return set_text(setting, value);
    case UT_CONFIG_KIND_COUNT:
        if (!parse_number(setting, value, &number))
            return false;
        *(unsigned long *)setting->field = number;
        return true;
    case UT_CONFIG_KIND_SIZE:
        if (!parse_number(setting, value, &number))
            return false;
        *(size_t *)setting->field = number;
        return true;
    }
    return false;
}

static void reset(void)
{
    static const struct ut_config initial = {
#define SETTING(name, option, variable, kind, value, ...) .name = (value),
#include "settings.def"
#undef SETTING
    };

    ut_config = initial;
    switched_on = true;
}

const char *ut_config_find(char *const *environment, const char *variable)
{
    size_t length = strlen(variable);

    for (; environment && *environment; environment++)
        if (strncmp(*environment, variable, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

/* Returns the variable's value if there is one and it is refused. */
static const char *load_one(char *const *environment, const struct ut_config_setting *setting)
{
    const char *value = ut_config_find(environment, setting->variable);

    if (value == NULL || *value == '\0' || ut_config_set(setting, value))
        return NULL;
    return value;
}

void ut_config_load(char *const *environment, ut_config_complaint *complain, void *context)
{
    const char *refused[UT_CONFIG_COUNT];
    const char *switch_refused;

    reset();
    if (getauxval(AT_SECURE))
        environment = NULL;
    switch_refused = load_one(environment, &main_switch);
    ut_config.off = !switched_on;
    for (int i = 0; i < UT_CONFIG_COUNT; i++)
        refused[i] = load_one(environment, &ut_config_settings[i]);
    if (complain == NULL)
        return;
    if (switch_refused)
        complain(context, &main_switch, switch_refused);
    for (int i = 0; i < UT_CONFIG_COUNT; i++)
        if (refused[i])
            complain(context, &ut_config_settings[i], refused[i]);
}

/* A text being put together, cut off where the memory ends. */
struct writer {
    char *next, *last;
};

static void put(struct writer *writer, const char *text)
{
    while (*text && writer->next < writer->last)
        *writer->next++ = *text++;
    *writer->next = '\0';
}

static void put_number(struct writer *writer, unsigned long long number, bool as_size)
{
    static const char suffixes[][2] = { "", "K", "M", "G" };
    char digits[24];
    char *digit = digits + sizeof digits - 1;
    int suffix = 0;

    while (as_size && suffix < 3 && number > 0 && number % 1024 == 0) {
        number /= 1024;
        suffix++;
    }
    *digit = '\0';
    do
        *--digit = '0' + number % 10;
    while (number /= 10);
    put(writer, digit);
    put(writer, suffixes[suffix]);
}

const char *ut_config_expected(const struct ut_config_setting *setting, char *text, size_t size)
{
    struct writer writer = { text, text + size - 1 };
    bool as_size = setting->kind == UT_CONFIG_KIND_SIZE;

    switch (setting->kind) {
    case UT_CONFIG_KIND_FLAG:
        put(&writer, "on or off");
        break;
    case UT_CONFIG_KIND_CHOICE:
        put(&writer, "one of ");
        put(&writer, setting->argument);
        break;
    case UT_CONFIG_KIND_LIST:
        put(&writer, "some of ");
        put(&writer, setting->argument);
        break;
    case UT_CONFIG_KIND_TEXT:
        put(&writer, "a text of 1 to ");
        put_number(&writer, UT_CONFIG_TEXT_SIZE - 1, false);
        put(&writer, " bytes");
        break;
    case UT_CONFIG_KIND_COUNT:
    case UT_CONFIG_KIND_SIZE:
        put(&writer, as_size ? "a size from " : "a number from ");
        put_number(&writer, setting->low, as_size);
        put(&writer, " to ");
        put_number(&writer, setting->high, as_size);
        break;
    }
    return text;
}
