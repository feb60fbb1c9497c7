# SPDX-License-Identifier: MIT
"""What a production server does all day and what happens to it, one function each: it gets a Site, raises
Wrong where the server is wrong, and may return facts that must be the same on both sides."""

import random
import re
import ssl
import threading
import time

import pymysql
import server

LOST = (0, 2006, 2013, 4031)  # pymysql's codes for a connection that is gone
QUERY_INTERRUPTED, KILLED = 1317, 1927
LOCK_TIMEOUT, DEADLOCK = 1205, 1213

# InnoDB of 10.11.19 cannot always recover when it was killed while many transactions committed: seen natively in
# 3 of more than 1,200 kills. With the data of one of these each start ended so, natively as under unthread.
INNODB_BUG = "Failing assertion: flst_add_first(rseg_header, TRX_RSEG + TRX_RSEG_HISTORY"


class Wrong(Exception):
    pass


class NativeBug(Exception):
    """The server could not go on, and neither could the native one with the same data."""


def expect(good, what, detail=""):
    if not good:
        raise Wrong(f"{what}: {detail}")


class Client(threading.Thread):
    """Runs one statement in a thread of its own; `code` is the error's number, None without."""

    def __init__(self, connection, statement):
        super().__init__(daemon=True)
        self.connection, self.statement = connection, statement
        self.code, self.rows, self.seconds = None, None, None
        self.start()

    def run(self):
        began = time.monotonic()
        try:
            self.rows = ask(self.connection, self.statement)
        except (pymysql.err.Error, OSError, AttributeError) as error:
            self.code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        self.seconds = time.monotonic() - began

    def result(self, patience=20):
        self.join(patience)
        expect(not self.is_alive(), f"no answer within {patience} s", self.statement)
        return self.code


def ask(connection, statement, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return cursor.fetchall()


def value(connection, statement):
    return ask(connection, statement)[0][0]


def wait_for(connection, statement, wanted, patience=20):
    """Until the first value of the answer is `wanted`, or at least that for a number."""
    end = time.monotonic() + patience
    while True:
        rows = ask(connection, statement)
        found = rows[0][0] if rows else None
        if found == wanted or (isinstance(wanted, int) and found is not None and int(found) >= wanted):
            return found
        expect(time.monotonic() < end, f"not within {patience} s", f"{statement}: {found}")
        time.sleep(0.02)


def wait_until_state(connection, thread, pattern):
    """`thread` is a connection's number; the state as SHOW PROCESSLIST has it."""
    wait_for(connection, "SELECT COUNT(*) FROM information_schema.processlist WHERE "
             f"id = {thread} AND (state LIKE '{pattern}' OR command LIKE '{pattern}')", 1)


def make_table(connection, name, rows):
    ask(connection, f"CREATE TABLE {name} (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB")
    ask(connection, f"INSERT INTO {name} SELECT seq, 0 FROM seq_1_to_{rows}")


# Queries and connections


def answers(site):
    """Large and small ones, over TCP, TLS and the socket file; the performance schema sees them."""
    context = ssl.create_default_context(cafile=site.certificate)
    context.check_hostname = False
    found = {}
    for name, how in (("tcp", {}), ("tls", {"ssl": context}), ("socket", {"unix_socket": str(site.database.socket)})):
        connection = site.connect(**how)
        blob = random.Random(name).randbytes(3_000_000)
        ask(connection, "CREATE TABLE IF NOT EXISTS blobs (name CHAR(8) PRIMARY KEY, data LONGBLOB)")
        ask(connection, "INSERT INTO blobs VALUES (%s, %s)", name, blob)
        connection.commit()
        expect(ask(connection, "SELECT data FROM blobs WHERE name = %s", name)[0][0] == blob, "blob", name)
        cipher = ask(connection, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1]
        expect(bool(cipher) == (name == "tls"), "TLS", cipher)
        found[name] = [cipher, value(connection, "SELECT SUM(seq * seq) FROM seq_1_to_100000")]
        mine = value(connection, "SELECT COUNT(*) FROM performance_schema.threads "
                     f"WHERE processlist_id = {connection.thread_id()}")
        expect(mine == 1, "performance schema", f"{mine} threads for one connection")
        waits = value(connection, "SELECT SUM(count_star) > 0 FROM "
                      "performance_schema.events_statements_summary_by_thread_by_event_name")
        expect(waits == 1, "performance schema counts statements", waits)
        connection.close()
    return found


def many_connections(site):
    """Each of them answers, all at the same time; then they go, the hard way half of them."""
    connections = [site.connect() for _ in range(300)]
    admin = connections[0]
    make_table(admin, "many", 300)
    admin.commit()
    clients = [Client(connection, f"UPDATE many SET n = n + {i} WHERE id = {i + 1}")
               for i, connection in enumerate(connections)]
    expect(all(client.result() is None for client in clients), "updates", [c.code for c in clients if c.code])
    for connection in connections:
        connection.commit()
    threads = int(ask(admin, "SHOW STATUS LIKE 'Threads_connected'")[0][1])
    expect(threads >= 300, "connected", threads)
    site.check_kernel_threads(300)
    for i, connection in enumerate(connections[1:]):
        if i % 2:
            connection._force_close()
        else:
            connection.close()
    wait_for(admin, "SELECT VARIABLE_VALUE = '1' FROM information_schema.global_status "
             "WHERE VARIABLE_NAME = 'Threads_connected'", 1)
    return value(admin, "SELECT SUM(n) FROM many")


def thread_cache(site):
    """Threads of the server are made, or used again, as its cache says."""
    found = {}
    admin = site.connect()
    for size in (0, 32):
        ask(admin, f"SET GLOBAL thread_cache_size = {size}")
        for _ in range(3):  # what the cache held before has gone, or it has been filled
            site.connect().close()
        site.wait_alone(admin)
        before = int(ask(admin, "SHOW STATUS LIKE 'Threads_created'")[0][1])
        for _ in range(100):
            site.connect().close()
            site.wait_alone(admin)
        found[size] = int(ask(admin, "SHOW STATUS LIKE 'Threads_created'")[0][1]) - before
    return found


# Kills and timeouts


def kills(site):
    """KILL of a query and of a connection: that sleeps, computes, waits for a row, is idle, is half sent."""
    admin = site.connect()
    make_table(admin, "kills", 3)
    admin.commit()
    ask(admin, "UPDATE kills SET n = 1")  # holds the rows
    doings = {
        "sleeps": ("SELECT SLEEP(60)", "User sleep"),
        "computes": ("SELECT BENCHMARK(4000000000, MD5('x'))", "Query"),
        "waits": ("UPDATE kills SET n = 2 WHERE id = 1", "Updating"),
    }
    found = {}
    for name, (statement, state) in doings.items():
        for what in ("QUERY", "CONNECTION"):
            victim = site.connect()
            number = victim.thread_id()
            client = Client(victim, statement)
            wait_until_state(admin, number, state)
            began = time.monotonic()
            ask(admin, f"KILL {what} {number}")
            code = client.result()
            expect(time.monotonic() - began < 3, f"KILL {what} while it {name}", "took more than 3 s")
            if what == "QUERY":
                expect(value(victim, "SELECT 1") == 1, "usable after KILL QUERY", name)
                victim.close()
            found[f"{what}, {name}"] = "lost" if code in LOST else code
    idle = site.connect()
    ask(admin, f"KILL {idle.thread_id()}")
    code = Client(idle, "SELECT 1").result()
    expect(code in (*LOST, KILLED), "KILL of an idle connection", code)
    half = site.connect()
    half._sock.sendall(b"\x20\x00\x00\x00\x03SELECT")
    wait_until_state(admin, half.thread_id(), "Sleep")
    ask(admin, f"KILL {half.thread_id()}")
    site.wait_alone(admin)
    return found


def timeouts(site):
    """wait_timeout, also in the middle of a packet, lock waits, statements: each ends as the manual says, and in time."""
    admin = site.connect()
    make_table(admin, "timeouts", 2)
    admin.commit()

    idle = site.connect()
    ask(idle, "SET SESSION wait_timeout = 1")
    began = time.monotonic()
    site.wait_alone(admin)
    took = time.monotonic() - began
    expect(0.9 < took < 4, "wait_timeout of 1 s", f"{took:.2f} s")
    code = Client(idle, "SELECT 1").result()
    expect(code in LOST, "after wait_timeout", code)

    half = site.connect()
    ask(half, "SET SESSION wait_timeout = 1")
    half._sock.sendall(b"\x20\x00\x00\x00\x03SELECT")
    began = time.monotonic()
    site.wait_alone(admin)
    took = time.monotonic() - began
    expect(0.9 < took < 4, "wait_timeout of 1 s in the middle of a packet", f"{took:.2f} s")

    ask(admin, "UPDATE timeouts SET n = 1 WHERE id = 1")
    waiting = site.connect()
    ask(waiting, "SET SESSION innodb_lock_wait_timeout = 1")
    client = Client(waiting, "UPDATE timeouts SET n = 2 WHERE id = 1")
    expect(client.result() == LOCK_TIMEOUT, "lock wait", client.code)
    expect(0.9 < client.seconds < 4, "lock wait timeout of 1 s", f"{client.seconds:.2f} s")

    ask(waiting, "SET SESSION max_statement_time = 0.5")
    client = Client(waiting, "SELECT SLEEP(20) FROM timeouts")
    expect(client.result() in (None, 1969), "max_statement_time", client.code)
    expect(0.4 < client.seconds < 4, "max_statement_time of 0.5 s", f"{client.seconds:.2f} s")

    ask(admin, "COMMIT")
    client = Client(waiting, "SELECT GET_LOCK('a', 5)")
    expect(client.result() is None, "GET_LOCK", client.code)
    other = Client(admin, "SELECT GET_LOCK('a', 0.5)")
    expect(other.result() is None and other.rows[0][0] == 0, "GET_LOCK of a taken one", other.rows)
    return client.rows


def deadlocks(site):
    """Two that wait for each other: exactly one is told so, the other goes on."""
    admin = site.connect()
    make_table(admin, "deadlocks", 2)
    admin.commit()
    for _ in range(20):
        one, two = site.connect(), site.connect()
        ask(one, "UPDATE deadlocks SET n = n + 1 WHERE id = 1")
        ask(two, "UPDATE deadlocks SET n = n + 1 WHERE id = 2")
        first = Client(one, "UPDATE deadlocks SET n = n + 1 WHERE id = 2")
        wait_until_state(admin, one.thread_id(), "Updating")
        second = Client(two, "UPDATE deadlocks SET n = n + 1 WHERE id = 1")
        codes = sorted(str(client.result()) for client in (first, second))
        expect(codes == [str(DEADLOCK), "None"], "deadlock", codes)
        for connection in (one, two):
            connection.commit()
            connection.close()
    admin.commit()
    return ask(admin, "SELECT n FROM deadlocks")


def events(site):
    admin = site.connect()
    ask(admin, "CREATE TABLE ticks (at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))")
    ask(admin, "CREATE EVENT tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO ticks VALUES ()")
    admin.autocommit(True)
    wait_for(admin, "SELECT COUNT(*) FROM ticks", 4)
    gap = float(value(admin, "SELECT MAX(gap) FROM (SELECT TIMESTAMPDIFF(MICROSECOND, LAG(at) OVER (ORDER BY at), at)"
                      " / 1e6 AS gap FROM ticks) gaps"))
    expect(gap < 2.5, "an event every second", f"{gap} s between two")
    ask(admin, "DROP EVENT tick")


def transfers(site):
    """Forty clients move money between ten accounts, with deadlocks and retries: the sum stays."""
    admin = site.connect()
    make_table(admin, "accounts", 10)
    admin.commit()

    def move(seed):
        chance = random.Random(seed)
        connection = site.connect()
        done = 0
        while done < 50:
            source, target = chance.sample(range(1, 11), 2)
            try:
                ask(connection, "UPDATE accounts SET n = n - 7 WHERE id = %s", source)
                ask(connection, "UPDATE accounts SET n = n + 7 WHERE id = %s", target)
                connection.commit()
                done += 1
            except pymysql.err.OperationalError as error:
                expect(error.args[0] in (DEADLOCK, LOCK_TIMEOUT), "transfer", error)
                connection.rollback()
        connection.close()

    failures = in_threads(move, range(40))
    expect(not failures, "transfers", failures[:2])
    admin.commit()
    expect(value(admin, "SELECT SUM(n) FROM accounts") == 0, "the sum", "is not 0")


def in_threads(work, arguments):
    """Runs work(argument) in a thread for each; returns the exceptions."""
    failures = []

    def guarded(argument):
        try:
            work(argument)
        except Exception as failure:  # whatever it is, the scenario reports it
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def larger_than_memory(site):
    """Pages go out to the disk and come in again, by the kernel's asynchronous I/O if the server has it on."""
    admin = site.connect()
    ask(admin, "CREATE TABLE large (id INT PRIMARY KEY, text CHAR(200) NOT NULL, n INT NOT NULL, KEY (text)) "
        "ENGINE=InnoDB")
    ask(admin, "INSERT INTO large SELECT seq, SHA2(seq, 512), 0 FROM seq_1_to_60000")
    admin.commit()
    failures = in_threads(lambda seed: check_pages(site, seed), range(8))
    expect(not failures, "pages", failures[:2])
    expect(ask(admin, "CHECK TABLE large EXTENDED")[0][3] == "OK", "CHECK TABLE", "not OK")
    expect(value(admin, "SELECT SUM(n) FROM large") == 4 * 200, "updates", "some are not there")
    return ask(admin, "CHECKSUM TABLE large")[0][1], int(value(admin, "SELECT @@innodb_use_native_aio"))


def check_pages(site, seed):
    connection = site.connect()
    chance = random.Random(seed)
    for _ in range(200):
        number = chance.randint(1, 60000)
        right = value(connection, f"SELECT text = SHA2({number}, 512) FROM large WHERE id = {number}")
        expect(right == 1, "row", number)
        if seed % 2:
            ask(connection, f"UPDATE large SET n = n + 1 WHERE id = {number}")
            connection.commit()


# Ends


def _stop_under_load(site, stop):
    """Writers work when it is told to stop: it stops, in time, says so, and needs no recovery afterwards."""
    admin = site.connect()
    make_table(admin, "stopped", 200)
    admin.commit()
    acknowledged = [0] * 32
    ready = threading.Barrier(33)

    def write(number):
        connection = site.connect()
        ready.wait()
        try:
            while True:
                ask(connection, "UPDATE stopped SET n = n + 1 WHERE id = %s", number + 1)
                connection.commit()
                acknowledged[number] += 1
        except (pymysql.err.Error, OSError, AttributeError):
            return

    writers = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(32)]
    for writer in writers:
        writer.start()
    ready.wait()
    wait_for(site.connect(autocommit=True), "SELECT MIN(n) FROM stopped WHERE id <= 32", 5)
    status = stop()
    for writer in writers:
        writer.join(20)
    expect(not any(writer.is_alive() for writer in writers), "clients", "still wait after the server's end")
    expect(status == 0, "exit status", status)
    expect("Shutdown complete" in site.log_since_start(), "log", "does not say 'Shutdown complete'")
    site.start()
    expect("crash recovery" not in site.log_since_start().lower(), "restart", "needed crash recovery")
    kept = dict(ask(site.connect(), "SELECT id, n FROM stopped WHERE id <= 32"))
    lost = [i for i in range(32) if not acknowledged[i] <= kept[i + 1] <= acknowledged[i] + 1]
    expect(not lost, "acknowledged updates", f"{len(lost)} writers lost some")
    return status


def sigterm_under_load(site):
    return _stop_under_load(site, site.stop)


def shutdown_under_load(site):
    def shut_down():
        ask(site.connect(), "SHUTDOWN")
        return site.wait_for_end()

    return _stop_under_load(site, shut_down)


def killed(site, rounds=2, seconds=1.5):
    """kill -9 at a random moment of a load: every acknowledged transaction is there after the recovery."""
    admin = site.connect()
    ask(admin, "CREATE TABLE records (writer INT, n INT, text CHAR(64) CHARACTER SET utf8mb4, PRIMARY KEY (writer, n)) ENGINE=InnoDB")
    acknowledged = [0] * 24
    chance = random.Random()
    for _ in range(rounds):
        def write(writer):
            connection = site.connect()
            n = acknowledged[writer]
            try:
                while True:
                    n += 1
                    # The last one may have been committed without the client having heard of it.
                    ask(connection, "INSERT IGNORE INTO records VALUES (%s, %s, SHA2(%s, 256))", writer, n,
                        writer * 1_000_000 + n)
                    connection.commit()
                    acknowledged[writer] = n
            except (pymysql.err.Error, OSError, AttributeError):
                return

        writers = [threading.Thread(target=write, args=(i,), daemon=True) for i in range(len(acknowledged))]
        before = sum(acknowledged)
        for writer in writers:
            writer.start()
        time.sleep(chance.uniform(0.2, seconds))  # the moment is the experiment
        site.kill()
        for writer in writers:
            writer.join(20)
        expect(sum(acknowledged) > before, "load", "nothing was acknowledged before the kill")
        try:
            site.start()
        except server.ServerFailed:
            if site.fails_natively_by(INNODB_BUG):
                raise NativeBug(f"InnoDB: {INNODB_BUG}") from None
            raise
        expect(re.search(r"crash recovery", site.log_since_start(), re.I), "kill -9", "left nothing to recover")
        with site.connect() as connection:
            for writer, last in enumerate(acknowledged):
                count, most, right = ask(
                    connection, "SELECT COUNT(*), MAX(n), SUM(text = SHA2(writer * 1000000 + n, 256)) FROM records "
                    f"WHERE writer = {writer} AND n <= {last}")[0]
                expect(count == last and (not last or (most == last and right == last)), "acknowledged transactions",
                       f"writer {writer}: {count} of {last}")
            expect(ask(connection, "CHECK TABLE records EXTENDED")[0][3] == "OK", "CHECK TABLE", "not OK")
    site.note(f"{sum(acknowledged)} acknowledged transactions, all there after {rounds} kills")
