#!/usr/bin/env sysbench
-- SPDX-License-Identifier: MIT
-- The least that a server can be asked over a connection that stays.

function thread_init()
   connection = sysbench.sql.driver():connect()
end

function event()
   connection:query("SELECT 1")
end

function thread_done()
   connection:disconnect()
end
