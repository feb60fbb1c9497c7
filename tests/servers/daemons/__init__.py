# SPDX-License-Identifier: MIT
"""The daemons under test, in the order in which they run."""

from .apache import Apache
from .civetweb import Civetweb
from .echo import Echo, EchoDemo
from .java import Java
from .microhttpd import Microhttpd
from .microsocks import Microsocks
from .privoxy import Privoxy
from .python_http import PythonHttp, PythonSockets
from .stunnel import Stunnel
from .tinyproxy import Tinyproxy
from .webrick import Webrick

ALL = [Microsocks, Tinyproxy, Privoxy, Stunnel, Apache, Civetweb, Microhttpd, PythonHttp, PythonSockets, Webrick,
       Java, Echo, EchoDemo]
