# SPDX-License-Identifier: MIT
"""The daemons under test, in the order in which they run."""

from .echo import Echo, EchoDemo
from .microsocks import Microsocks
from .privoxy import Privoxy
from .python_http import PythonHttp
from .stunnel import Stunnel

ALL = [Microsocks, Privoxy, Stunnel, PythonHttp, Echo, EchoDemo]
