# SPDX-License-Identifier: MIT
"""What load generators print. Each parser takes the output and returns the metrics it found: throughput
in requests per second, times in milliseconds, `requests` and `errors` as counts; or None if the
output is not of its kind."""

import json
import re

MILLISECONDS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "msec": 1.0, "s": 1e3, "sec": 1e3, "secs": 1e3, "m": 6e4,
                "": 1.0}  # fmt: skip
PERCENTILES = {"50": "p50", "90": "p90", "95": "p95", "99": "p99", "99.9": "p99.9", "100": "max"}
NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"


class Unreadable(Exception):
    """The output is of no kind that is known; or the pattern does not match."""


def _find(pattern, text, default=None):
    found = re.search(pattern, text, re.MULTILINE)
    return float(found[1].replace(",", "")) if found else default


def _time(number, unit):
    return float(number) * MILLISECONDS[unit]


def _percentiles(lines):
    """From triples of percent, number and unit; percents such as "99.000" as well."""
    found = {}
    for percent, number, unit in lines:
        name = PERCENTILES.get(f"{float(percent):g}")
        if name:
            found[name] = _time(number, unit)
    return found


def wrk(text):
    """wrk, with --latency for more than mean and maximum; wrk2."""
    rate = _find(rf"^Requests/sec:\s+{NUMBER}", text)
    if rate is None or "Thread Stats" not in text:
        return None
    found = {"throughput": rate, "requests": _find(r"^\s*(\d+) requests in ", text)}
    longest = re.search(rf"^\s+Latency\s+\S+\s+\S+\s+{NUMBER}(us|ms|s|m)\s", text, re.MULTILINE)
    if longest:
        found["max"] = _time(*longest.groups())
    found.update(_percentiles(re.findall(rf"^\s+([\d.]+)%\s+{NUMBER}(us|ms|s|m)$", text, re.MULTILINE)))
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    found["errors"] = sum(map(int, errors.groups())) if errors else 0
    found["errors"] += _find(r"Non-2xx or 3xx responses: (\d+)", text, 0)
    return found


def ab(text):
    rate = _find(rf"^Requests per second:\s+{NUMBER}", text)
    if rate is None:
        return None
    found = {"throughput": rate, "requests": _find(r"^Complete requests:\s+(\d+)", text)}
    found.update(_percentiles((percent, number, "ms") for percent, number in
                              re.findall(r"^\s+(\d+)%\s+(\d+)", text, re.MULTILINE)))  # fmt: skip
    found["errors"] = _find(r"^Failed requests:\s+(\d+)", text, 0) + _find(r"^Non-2xx responses:\s+(\d+)", text, 0)
    return found


def h2load(text):
    finished = re.search(rf"^finished in [\d.]+m?s, {NUMBER} req/s", text, re.MULTILINE)
    if not finished:
        return None
    found = {"throughput": float(finished[1]), "errors": 0}
    counts = re.search(r"^requests: .* (\d+) succeeded, (\d+) failed", text, re.MULTILINE)
    if counts:  # what failed has the timeouts and the answers that are no 2xx or 3xx in it
        found.update(requests=sum(map(int, counts.groups())), errors=int(counts[2]))
    longest = re.search(rf"^time for request:\s+\S+\s+{NUMBER}(us|ms|s)\s", text, re.MULTILINE)
    if longest:
        found["max"] = _time(*longest.groups())
    return found


def sysbench(text):
    queries = _find(r"^\s+queries:\s+\d+\s+\(([\d.]+) per sec", text)
    events = _find(r"^\s+transactions:\s+\d+\s+\(([\d.]+) per sec", text) or _find(
        r"^\s+events per second:\s+([\d.]+)", text)  # fmt: skip
    if queries is None and events is None:
        return None
    total = r"^\s+queries:\s+(\d+)" if queries is not None else r"total number of events:\s+(\d+)"
    found = {
        "throughput": queries if queries is not None else events,
        "requests": _find(total, text),
        "errors": _find(r"^\s+ignored errors:\s+(\d+)", text, 0),
        "max": _find(r"^\s+max:\s+([\d.]+)", text),
    }
    for percent, number in re.findall(r"^\s+(\d+)th percentile:\s+([\d.]+)", text, re.MULTILINE):
        found[f"p{percent}"] = float(number)
    histogram = re.findall(r"^\s*([\d.]+) \|\**\s+(\d+)$", text, re.MULTILINE)  # with --histogram
    found.update(_from_histogram([(float(value), int(count)) for value, count in histogram]))
    return found


def _from_histogram(buckets):
    total, found = sum(count for _, count in buckets), {}
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)):
        seen = 0
        for value, count in buckets:
            seen += count
            if seen >= share * total:
                found[name] = value
                break
    return found


def redis_benchmark(text):
    """The first of its tests; with and without -q, and --csv."""
    csv = re.search(r'^"test","rps",(.*)\n"[^"]*",(.*)$', text, re.MULTILINE)
    if csv:
        names = ["throughput"] + [name.strip('"') for name in csv[1].split(",")]
        values = dict(zip(names, (float(word.strip('"')) for word in csv[2].split(","))))
        return {"throughput": values["throughput"], "errors": 0,
                **{name[:-11]: values[name] for name in values if re.fullmatch(r"(p\d+|max)_latency_ms", name)}}
    brief = re.search(rf"^\S.*?: {NUMBER} requests per second, p50={NUMBER} msec", text, re.MULTILINE)
    if brief:
        return {"throughput": float(brief[1]), "p50": float(brief[2]), "errors": 0}
    rate = _find(rf"throughput summary: {NUMBER} requests per second", text)
    if rate is None:
        return None
    found = {"throughput": rate, "requests": _find(r"^\s*(\d+) requests completed in", text), "errors": 0}
    row = re.search(r"latency summary \(msec\):\s*\n\s*([a-z0-9 ]+)\n\s*([\d. ]+)", text)
    if row:
        values = dict(zip(row[1].split(), map(float, row[2].split())))
        found.update({name: values[name] for name in ("p50", "p95", "p99", "max") if name in values})
    return found


def pgbench(text):
    rate = _find(rf"^tps = {NUMBER}", text)
    if rate is None:
        return None
    return {
        "throughput": rate,
        "requests": _find(r"^number of transactions actually processed: (\d+)", text),
        "errors": _find(r"^number of failed transactions: (\d+)", text, 0),
        "mean": _find(rf"^latency average = {NUMBER} ms", text),
    }


def siege(text):
    rate = _find(rf'"?[Tt]ransaction[ _]rate"?:\s+{NUMBER}', text)
    if rate is None:
        return None

    def value(name):
        return _find(rf'"?{name}"?:\s+{NUMBER}', text)

    found = {"throughput": rate, "requests": value("[Tt]ransactions"), "errors": value("[Ff]ailed[ _]transactions")}
    for name, words in (("mean", "[Rr]esponse[ _]time"), ("max", "[Ll]ongest[ _]transaction")):
        if value(words) is not None:
            found[name] = value(words) * 1e3
    return found


def hey(text):
    """hey's own text, whose times are in seconds."""
    rate = _find(rf"^\s*Requests/sec:\s+{NUMBER}", text)
    if rate is None or "Response time histogram" not in text and "Latency distribution" not in text:
        return None
    found = {"throughput": rate}
    found.update(_percentiles(re.findall(rf"^\s+([\d.]+)%+ in {NUMBER} (secs)", text, re.MULTILINE)))
    codes = {int(code): int(count) for code, count in re.findall(r"^\s+\[(\d{3})\]\s+(\d+) responses", text,
                                                                 re.MULTILINE)}  # fmt: skip
    found["requests"] = sum(codes.values())
    found["errors"] = sum(count for code, count in codes.items() if not 200 <= code < 400)
    longest = _find(rf"^\s*Slowest:\s+{NUMBER}", text)
    if longest is not None:
        found["max"] = longest * 1e3
    return found


def json_of_hey_kind(text):
    """JSON of oha, and of the load of this project: the last line or the whole that is an object."""
    for part in [text, *reversed(text.strip().splitlines())]:
        try:
            whole = json.loads(part)
        except ValueError:
            continue
        if isinstance(whole, dict):
            return _own(whole) if "requests_per_second" in whole else _oha(whole)
    return None


def _own(whole):
    found = {"throughput": whole["requests_per_second"], "requests": whole.get("requests"),
             "errors": whole.get("errors", 0)}  # fmt: skip
    for name, key in (("p50", "p50_us"), ("p90", "p90_us"), ("p99", "p99_us"), ("p99.9", "p999_us"), ("max", "max_us")):
        if key in whole:
            found[name] = whole[key] / 1e3
    return found


def _oha(whole):
    summary, codes = whole.get("summary", {}), whole.get("statusCodeDistribution", {})
    if "requestsPerSec" not in summary:
        return None
    found = {"throughput": summary["requestsPerSec"], "requests": sum(codes.values()) or None}
    times = whole.get("latencyPercentiles", {})
    found.update({name: times[key] * 1e3 for name, key in
                  (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p99.9")) if times.get(key)})  # fmt: skip
    if summary.get("slowest"):
        found["max"] = summary["slowest"] * 1e3
    found["errors"] = sum(count for code, count in codes.items() if not 200 <= int(code) < 400)
    found["errors"] += sum(whole.get("errorDistribution", {}).values())
    return found


PARSERS = (wrk, ab, h2load, sysbench, redis_benchmark, pgbench, siege, hey, json_of_hey_kind)


def by_pattern(patterns, text):
    """`patterns` are pairs of a metric's name and a regular expression, whose first group is the number and
    whose second, if there is one, the unit of a time."""
    found = {}
    for name, pattern in patterns:
        match = re.search(pattern, text, re.MULTILINE)
        if not match:
            raise Unreadable(f"the load printed nothing that matches {pattern!r}")
        groups = [group for group in match.groups() if group is not None]
        try:
            value = float(groups[0].replace(",", ""))
            found[name] = value * MILLISECONDS[groups[1]] if len(groups) > 1 else value
        except (ValueError, KeyError, IndexError):
            raise Unreadable(f"not a number with a known unit: {match[0]!r}") from None
    return found


def parse(text, patterns=()):
    """The metrics that are there, or raises Unreadable."""
    if patterns:
        return by_pattern(patterns, text)
    for parser in PARSERS:
        try:
            found = parser(text)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"output of {parser.__name__}, but not as it is known: {error}") from None
        if found:
            return {name: value for name, value in found.items() if value is not None}
    names = ", ".join(parser.__name__.replace("_", "-") for parser in PARSERS[:-1])
    raise Unreadable(f"the output is of none of: {names}, JSON of oha's kind; say what to read with --pattern")
