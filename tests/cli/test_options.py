# SPDX-License-Identifier: MIT
"""Options, variables, help and manual page."""
import os
import re


def settings(sandbox):
    """The lines of settings.def as (option, variable, kind, initial, argument)."""
    text = (sandbox.source / "runtime" / "settings.def").read_text()
    found = re.findall(r'^SETTING\(\w+,\s*"([\w-]+)",\s*"(\w+)",\s*(\w+),\s*([^,]+),[^"]*"([^"]*)"',
                       text, re.M)
    assert len(found) == len(re.findall(r"^SETTING\(", text, re.M)) > 0
    return found


def example(kind, argument):
    return {"COUNT": "7", "SIZE": "64K", "CHOICE": argument.split("|")[-1],
            "LIST": argument, "TEXT": "/dev/null",
            "FLAG": "1"}[kind]


def variables(result):
    lines = result.stdout.decode().splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith(("UNTHREAD", "LD_PRELOAD")))


def test_help_names_every_setting(sandbox):
    result = sandbox.run("--help")
    text = result.stdout.decode()
    assert result.returncode == 0 and result.stderr == b""
    for option, variable, _, _, _ in settings(sandbox):
        assert re.search(rf"^  --{option}\b", text, re.M), option
        assert re.search(rf"\[{variable}\b", text), variable
    assert max(map(len, text.splitlines())) <= 80
    assert sandbox.run("run", "--help").stdout == result.stdout


def test_manual_names_every_setting_and_default(sandbox):
    text = (sandbox.source / "shim" / "unthread.1").read_text().replace("\\-", "-")
    options = {}
    for chunk in text.split(".TP\n"):
        match = re.match(r"\.BI? --([a-z-]+)", chunk)
        if match:
            options[match[1]] = chunk
    listed = settings(sandbox)
    for option, variable, kind, initial, argument in listed:
        assert option in options, f"--{option} is not in the manual page"
        chunk = options[option]
        assert variable in chunk, (option, variable)
        if kind == "CHOICE":
            head = re.sub(r"\\f.", "", chunk.splitlines()[0])
            assert head.endswith("=" + argument), head
        elif initial not in ("0", ""):
            assert f"default is {initial}." in chunk, (option, initial)
    assert set(options) == {line[0] for line in listed} | {"off", "help", "version"}
    help_text = sandbox.run("--help").stdout.decode()
    assert set(re.findall(r"^  --([a-z-]+)", help_text, re.M)) == set(options)


def test_manual_is_well_formed(sandbox):
    result = sandbox.native("man", "--warnings", "-l", sandbox.source / "shim" / "unthread.1",
                            env={"MANPAGER": "cat", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
    assert result.returncode == 0 and result.stderr == b"", result.stderr
    assert b"--hog-time=MILLISECONDS" in result.stdout


def test_version(sandbox):
    result = sandbox.run("--version")
    assert re.fullmatch(rb"unthread \d+\.\d+(\.\d+)?\S*\n", result.stdout), result
    assert result.returncode == 0


def test_help_to_a_full_disk_fails(sandbox):
    result = sandbox.native("sh", "-c", '"$0" --help > /dev/full', sandbox.command)
    assert result.returncode == 1 and result.stderr.count(b"\n") == 1, result


def test_every_option_sets_its_variable(sandbox):
    for option, variable, kind, _, argument in settings(sandbox):
        value = example(kind, argument)
        if kind == "FLAG":
            forms = [[f"--{option}"]]
        else:
            forms = [[f"--{option}={value}"], [f"--{option}", value]]
        for form in forms:
            got = variables(sandbox.run(*form, "--", "env"))
            assert got == {variable: value, "LD_PRELOAD": str(sandbox.library)}, (form, got)


def test_off(sandbox):
    assert variables(sandbox.run("--off", "env"))["UNTHREAD"] == "off"


def test_option_replaces_variable_even_a_nonsensical_one(sandbox):
    got = variables(sandbox.run("--carriers=3", "env", env={"UNTHREAD_CARRIERS": "lots"}))
    assert got["UNTHREAD_CARRIERS"] == "3"
    got = variables(sandbox.run("--carriers=3", "--carriers=4", "env"))
    assert got["UNTHREAD_CARRIERS"] == "4"


def test_nonsense_values(sandbox):
    nonsense = {"COUNT": ["", "-1", "x", "1x", " 1", "0x1", "99999999999999999999999"],
                "SIZE": ["", "1", "1T", "K", "999999G"], "CHOICE": ["", "nonsense", "|", "0"],
                "LIST": ["", "nonsense", ",", "0"],
                "TEXT": ["", "x" * 4096]}
    for option, variable, kind, _, _ in settings(sandbox):
        for value in nonsense.get(kind, []):
            sandbox.refused(f"--{option}={value}", "true",
                            why=f"--{option}={value[:256]}: expected ")
            if value:
                sandbox.refused("true", why=f"{variable}={value[:256]}: expected ",
                                env={variable: value})
        if kind == "FLAG":
            sandbox.refused(f"--{option}=1", "true", why="takes no value")
            sandbox.refused("true", why=f"{variable}=2: expected on or off", env={variable: "2"})
    sandbox.refused("true", why="UNTHREAD=maybe: expected on or off", env={"UNTHREAD": "maybe"})


def test_one_line_however_much_nonsense(sandbox):
    sandbox.refused("true", why="expected",
                    env={"UNTHREAD": "?", "UNTHREAD_CARRIERS": "?", "UNTHREAD_LOG": "?"})


def test_empty_variables_count_as_unset(sandbox):
    env = {variable: "" for _, variable, _, _, _ in settings(sandbox)}
    assert sandbox.run("true", env={**env, "UNTHREAD": ""}).returncode == 0


def test_unknown_and_incomplete_options(sandbox):
    sandbox.refused("--carrier=1", "true", why="--carrier: no such option")
    sandbox.refused("--carriersx=1", "true", why="no such option")
    sandbox.refused("-x", "true", why="-x: no such option")
    sandbox.refused("--off=1", "true", why="no such option")
    sandbox.refused("--carriers", why="--carriers: needs a value")
    sandbox.refused(why="no program given")
    sandbox.refused("--stats", "--", why="no program given")
    sandbox.refused("run", why="no program given")


def test_options_end_at_the_program(sandbox):
    result = sandbox.run("--stats", "echo", "--carriers=1", "--", "--help")
    assert result.stdout == b"--carriers=1 -- --help\n"
    result = sandbox.run("run", "--", "echo", "-x")
    assert result.stdout == b"-x\n"


def test_a_program_called_like_a_command(sandbox):
    path = sandbox.file("path/run", "#!/bin/sh\necho mine $*\n").parent
    env = {"PATH": f"{path}:{os.environ['PATH']}"}
    assert sandbox.run("--", "run", "x", env=env).stdout == b"mine x\n"
    assert sandbox.run("run", "run", "x", env=env).stdout == b"mine x\n"


def test_log_file_becomes_absolute(sandbox):
    place = sandbox.root / "log place"
    place.mkdir()
    got = variables(sandbox.run("--log-file=a:b.log", "env", cwd=place))
    assert got["UNTHREAD_LOG_FILE"] == f"{place}/a:b.log"
    got = variables(sandbox.run("env", cwd=place, env={"UNTHREAD_LOG_FILE": "c.log"}))
    assert got["UNTHREAD_LOG_FILE"] == f"{place}/c.log"
    sandbox.refused("--log-file=/nonexistent/log", "true", why="/nonexistent/log: No such file")
    sandbox.refused("--log-file=.", "true", why="Is a directory", cwd=place)
    os.mkfifo(place / "fifo")
    assert sandbox.run("--log-file=fifo", "true", cwd=place).returncode == 0


def test_complaints_carry_no_control_characters(sandbox):
    text = sandbox.refused("--carriers=\033[2J\nx", "true", why="--carriers=?[2J?x: expected")
    assert "\033" not in text
    sandbox.refused("no\nsuch", why="no?such: no such program")
