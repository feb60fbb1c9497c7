# SPDX-License-Identifier: MIT
"""A primary and a replica, both on the same side: what is written on one is read on the other."""

import random
import threading

import pymysql
from scenarios import ask, expect, value, wait_for

OPTIONS = ("--gtid-strict-mode=ON", "--log-slave-updates", "--slave-net-timeout=5")


def follow(replica, primary, threads):
    connection = replica.connect(autocommit=True)
    ask(connection, f"SET GLOBAL slave_parallel_threads = {threads}")
    ask(connection, "CHANGE MASTER TO master_host = '127.0.0.1', master_port = %s, master_user = 'root', "
        "master_use_gtid = slave_pos, master_connect_retry = 1", primary.port)
    ask(connection, "START SLAVE")
    return connection


def state(connection):
    with connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SHOW SLAVE STATUS")
        return cursor.fetchone()


def caught_up(replica, position):
    reached = value(replica, f"SELECT MASTER_GTID_WAIT('{position}', 60)")
    found = state(replica)
    expect(reached == 0, "the replica", f"did not catch up: {found['Last_SQL_Error'] or found['Last_IO_Error']}")
    expect(found["Slave_IO_Running"] == found["Slave_SQL_Running"] == "Yes", "the replica's threads", found)


def checksums(connection):
    return [row[1] for row in ask(connection, "CHECKSUM TABLE copied.counters, copied.log")]


def replication(primary, replica):
    admin = primary.connect(autocommit=True)
    ask(admin, "CREATE DATABASE copied")
    ask(admin, "CREATE TABLE copied.counters (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB")
    ask(admin, "CREATE TABLE copied.log (id BIGINT AUTO_INCREMENT PRIMARY KEY, text TEXT) ENGINE=InnoDB")
    ask(admin, "INSERT INTO copied.counters SELECT seq, 0 FROM seq_1_to_500")
    over = threading.Event()
    failures, written = [], [0] * 12

    def write(number):
        try:
            connection, chance = primary.connect(database="copied"), random.Random(number)
            while not over.is_set():
                ask(connection, "UPDATE counters SET n = n + 1 WHERE id = %s", number * 40 + chance.randint(1, 40))
                ask(connection, "INSERT INTO log (text) VALUES (REPEAT('x', %s))", chance.randint(1, 2000))
                connection.commit()
                written[number] += 1
        except Exception as failure:  # whatever it is, the scenario reports it
            failures.append(failure)

    writers = [threading.Thread(target=write, args=(i,), daemon=True) for i in range(len(written))]
    for writer in writers:
        writer.start()
    follower = follow(replica, primary, threads=4)
    wait_for(follower, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'copied'", 2)
    wait_for(follower, "SELECT COUNT(*) FROM copied.log", 300, patience=60)
    ask(follower, "STOP SLAVE")
    ask(follower, "START SLAVE")
    wait_for(follower, "SELECT COUNT(*) FROM copied.log", 600, patience=60)
    expect(replica.stop() == 0, "the replica's exit status", "SIGTERM while it replicates")
    replica.start()  # goes on by itself
    follower = replica.connect(autocommit=True)
    wait_for(follower, "SELECT COUNT(*) FROM copied.log", 1200, patience=60)
    dump = [row for row in ask(admin, "SHOW PROCESSLIST") if row[4] == "Binlog Dump"]
    expect(len(dump) == 1, "one binlog dump thread", dump)
    ask(admin, f"KILL {dump[0][0]}")  # the replica connects again
    wait_for(follower, "SELECT COUNT(*) FROM copied.log", 1800, patience=60)
    over.set()
    for writer in writers:
        writer.join(30)
    expect(not failures, "writers", failures[:2])
    caught_up(follower, value(admin, "SELECT @@gtid_current_pos"))
    expect(checksums(admin) == checksums(follower), "checksums", "differ")
    total = value(follower, "SELECT SUM(n) FROM copied.counters")
    expect(total == sum(written) and value(follower, "SELECT COUNT(*) FROM copied.log") == total, "transactions",
           f"{total} for {sum(written)}")
    ask(follower, "STOP SLAVE")
    ask(follower, "RESET SLAVE ALL")
    primary.note(f"{total} transactions replicated")
