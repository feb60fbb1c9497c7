#!/usr/bin/env sysbench
-- SPDX-License-Identifier: MIT
-- A connection for each query, as PHP has it.

function thread_init()
   driver = sysbench.sql.driver()
end

function event()
   local connection = driver:connect()
   connection:query("SELECT 1")
   connection:disconnect()
end
