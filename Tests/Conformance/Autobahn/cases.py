"""The cases of autobahntestsuite 25.10.1: which there are, about how long each takes, and chunks of them.

`wstest` writes its report only when its last case is done, so it is run on small chunks, each with a time limit.
"""
GROUPS = {
    "1": "framing", "2": "pings and pongs", "3": "reserved bits", "4": "opcodes", "5": "fragmentation", "6": "UTF-8",
    "7": "closing", "9": "limits and speed", "10": "automatic fragmentation", "12": "compression: payloads",
    "13": "compression: parameters",
}

# How many cases each subgroup has; an asterisk says that the cases are numbered with two parts only.
SUBGROUPS = {
    "1.1": 8, "1.2": 8, "2.*": 11, "3.*": 7, "4.1": 5, "4.2": 5, "5.*": 20, "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4,
    "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2, "6.9": 4, "6.10": 3, "6.11": 5, "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1,
    "6.16": 3, "6.17": 5, "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8, "6.22": 34, "6.23": 7, "7.1": 6, "7.3": 6, "7.5": 1,
    "7.7": 13, "7.9": 9, "7.13": 2, "9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6,
    "10.1": 1, **{f"12.{number}": 18 for number in range(1, 6)}, **{f"13.{number}": 18 for number in range(1, 8)},
}

# Where RFC 6455 leaves the outcome open, the suite only tells what it saw.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}

# The bytes of each of the thousand messages of the eighteen cases of a subgroup of 12 and 13.
MESSAGE_BYTES = [16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072,
                 8192, 16384, 32768, 65536, 131072, 131072, 131072, 131072]


def whole():
    """All 517 cases."""
    names = []
    for subgroup, count in SUBGROUPS.items():
        names += [f"{subgroup.removesuffix('.*')}.{number}" for number in range(1, count + 1)]
    return names


def quick():
    """The 301 cases without compression, and of the others three sizes of messages: small, middling and fragmented."""
    return [name for name in whole() if not is_compressed(name) or name.split(".")[2] in ("1", "5", "11")]


def is_compressed(name):
    return name.split(".")[0] in ("12", "13")


def seconds(name):
    """About how long a case takes; limits are a multiple of it."""
    parts = name.split(".")
    if is_compressed(name):
        return 1 + MESSAGE_BYTES[int(parts[2]) - 1] / 5000
    return 1.5 if parts[0] == "9" else 0.4


def chunks(names, budget=15):
    """The cases in chunks of about that many seconds, the longest chunks first."""
    made = []
    spent = budget
    for name in names:
        if spent + seconds(name) > budget:
            made.append([])
            spent = 0
        made[-1].append(name)
        spent += seconds(name)
    return sorted(made, key=lambda chunk: -sum(map(seconds, chunk)))


def limit(chunk):
    """How many seconds `wstest` may take for a chunk, on a busy machine."""
    return 30 + 8 * sum(map(seconds, chunk))


def key(name):
    """Orders names as the suite does: 2.9 before 2.10."""
    return [int(part) for part in name.split(".")]
