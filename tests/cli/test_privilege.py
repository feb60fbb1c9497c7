# SPDX-License-Identifier: MIT
"""Set-user-ID, set-group-ID and capabilities: refused if, and only if, the kernel acts on them."""
import os

from sandbox import need, need_tool

NOBODY = 65534


def as_nobody():
    need(os.geteuid() == 0, "needs root to make such files and become somebody else")
    return [need_tool("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def make(sandbox, mode, owner=0, group=0, capabilities=None):
    path = sandbox.copy_of_probe("privileged")
    os.chown(path, owner, group)
    path.chmod(mode)
    if capabilities:
        result = sandbox.native(need_tool("setcap"), capabilities, path)
        need(result.returncode == 0, f"setcap: {result.stderr!r}")
    return path


def agree(sandbox, path, prefix, why):
    """Asks the kernel by running the program without unthread. Returns its answer."""
    native = sandbox.native(*prefix, path)
    assert native.returncode == 0, native
    secure = native.stdout.startswith(b"secure 1")
    if secure:
        sandbox.refused(path, prefix=prefix, why=why)
    else:
        sandbox.runs_preloaded(path, prefix=prefix)
    return secure


def test_set_ids(sandbox):
    nobody = as_nobody()
    answers = []
    for mode, owner, group, why in ((0o4755, 0, 0, "runs set-user-ID"),
                                    (0o4755, NOBODY, 0, "runs set-user-ID"),
                                    (0o2755, 0, 0, "runs set-group-ID"),
                                    (0o2755, 0, NOBODY, "runs set-group-ID"),
                                    (0o2745, 0, 0, "runs set-group-ID"),
                                    (0o6755, 1, 1, "runs set-user-ID"),
                                    (0o4711, 0, 0, "runs set-user-ID")):
        for prefix in ([], nobody, [*nobody, "--no-new-privs"]):
            path = make(sandbox, mode, owner, group)
            answers.append(agree(sandbox, path, prefix, why))
    need(True in answers, "this file system ignores set-user-ID")
    assert False in answers


def test_capabilities(sandbox):
    nobody = as_nobody()
    answers = []
    for text in ("cap_net_raw+ep", "cap_net_raw+p", "cap_net_raw+i", "cap_bpf+ep", "cap_bpf+p"):
        for prefix in ([], nobody):
            path = make(sandbox, 0o755, capabilities=text)
            answers.append(agree(sandbox, path, prefix, "has file capabilities"))
    need(True in answers, "this file system ignores capabilities")
    assert False in answers


def test_a_scripts_own_bits_do_not_count(sandbox):
    nobody = as_nobody()
    script = sandbox.file("script", f"#!{sandbox.probe}\n")
    script.chmod(0o6755)
    sandbox.runs_preloaded(script, prefix=nobody)


def test_but_those_of_its_interpreter_do(sandbox):
    nobody = as_nobody()
    interpreter = make(sandbox, 0o4755)
    script = sandbox.file("script", f"#!{interpreter}\n")
    need(b"secure 1" in sandbox.native(*nobody, script).stdout, "set-user-ID is ignored here")
    sandbox.refused(script, prefix=nobody, why=f"its interpreter {interpreter}: runs set-user-ID")


def test_a_caller_with_two_identities(sandbox):
    """Real and effective user differ already: any program it executes is a privileged one."""
    as_nobody()
    prefix = [need_tool("setpriv"), f"--ruid={NOBODY}"]
    path = sandbox.copy_of_probe("ordinary")
    assert agree(sandbox, path, prefix, "runs set-user-ID")
