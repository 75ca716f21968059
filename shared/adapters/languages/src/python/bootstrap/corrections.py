"""Corrections of the library and of the methods of text where they differ from CPython 3.11 (decision 0032)."""

import collections
import hashlib
import json
import json.decoder
import json.encoder
import json.scanner
import re
import sys
import time
import unicodedata
import urllib.parse

WHITESPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_SPACES = frozenset(WHITESPACE)


def _arguments(sep=None, maxsplit=-1):
    return sep, maxsplit


def _words(text):
    found, start = [], -1
    for at, letter in enumerate(text):
        if letter in _SPACES:
            if start >= 0:
                found.append((start, at))
                start = -1
        elif start < 0:
            start = at
    if start >= 0:
        found.append((start, len(text)))
    return found


def _install_text():
    native = {name: getattr(str, name) for name in (
        "split", "rsplit", "strip", "lstrip", "rstrip", "replace", "upper", "lower", "title", "isspace", "isdigit")}

    def split(text, /, *args, **kwargs):
        sep, most = _arguments(*args, **kwargs)
        if sep is not None:
            return native["split"](text, sep, most)
        words = _words(text)
        if most < 0 or most >= len(words):
            return [text[start:end] for start, end in words]
        return [text[start:end] for start, end in words[:most]] + [text[words[most][0]:]]

    def rsplit(text, /, *args, **kwargs):
        sep, most = _arguments(*args, **kwargs)
        if sep is not None:
            return native["rsplit"](text, sep, most)
        words = _words(text)
        if most < 0 or most >= len(words):
            return [text[start:end] for start, end in words]
        first = text[:words[len(words) - most - 1][1]]
        return [first] + [text[start:end] for start, end in words[len(words) - most:]]

    def strip(text, chars=None, /):
        return native["strip"](text, WHITESPACE if chars is None else chars)

    def lstrip(text, chars=None, /):
        return native["lstrip"](text, WHITESPACE if chars is None else chars)

    def rstrip(text, chars=None, /):
        return native["rstrip"](text, WHITESPACE if chars is None else chars)

    def replace(text, old, new, count=-1, /):
        if old != "" or not isinstance(new, str) or count == 0:
            return native["replace"](text, old, new, count)
        if count < 0 or count > len(text):
            return new + "".join([letter + new for letter in text])
        return "".join([new + letter for letter in text[:count]]) + text[count:]

    def swapcase(text, /):
        return "".join([_lower_at(text, at) if letter.isupper() else native["upper"](letter) if letter.islower() else letter
                        for at, letter in enumerate(text)])

    def isspace(text, /):
        return text != "" and all(letter in _SPACES for letter in text)

    def isdigit(text, /):
        return text != "" and all(unicodedata.digit(letter, None) is not None for letter in text)

    def isdecimal(text, /):
        return text != "" and all(unicodedata.decimal(letter, None) is not None for letter in text)

    def isnumeric(text, /):
        return text != "" and all(unicodedata.numeric(letter, None) is not None for letter in text)

    def _lower_at(text, at):
        return native["lower"](text)[at] if text[at] == "Σ" and len(native["lower"](text)) == len(text) else native["lower"](text[at])

    for function in (split, rsplit, strip, lstrip, rstrip, replace, swapcase, isspace, isdigit, isdecimal, isnumeric):
        _replace_text(function.__name__, function)


def _install_bytes():
    def both(cls):
        native = cls.strip

        def start(data, chars):
            at = 0
            while at < len(data) and data[at] in chars:
                at += 1
            return at

        def end(data, chars):
            at = len(data)
            while at and data[at - 1] in chars:
                at -= 1
            return at

        def set_of(chars):
            return b" \t\n\r\x0b\x0c" if chars is None else bytes(memoryview(chars))

        def strip(data, chars=None, /):
            chars = set_of(chars)
            at = start(data, chars)
            return data[at:max(at, end(data, chars))]

        def lstrip(data, chars=None, /):
            return data[start(data, set_of(chars)):]

        def rstrip(data, chars=None, /):
            return data[:end(data, set_of(chars))]

        for function in (strip, lstrip, rstrip):
            _replace(cls, function.__name__, function)
    both(bytes)
    both(bytearray)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


def _iso(year, yday, wday):
    import datetime
    first = datetime.date(2000 + year % 400, 1, 1).toordinal()
    found = datetime.date.fromordinal(first + yday - 1).isocalendar()
    return found[0] - (2000 + year % 400) + year, found[1]


def _fields(t):
    """The fields of a time as `strftime` checks them."""
    if not isinstance(t, tuple):
        raise TypeError("Tuple or struct_time argument required")
    if len(t) < 9:
        raise TypeError("strftime(): illegal time tuple argument")
    year, month, day, hour, minute, second, weekday, yday = (int.__index__(value) for value in t[:8])
    month, day, yday = month or 1, day or 1, yday or 1
    for value, least, most, name in (
            (month, 1, 12, "month"), (day, 1, 31, "day of month"), (hour, 0, 23, "hour"), (minute, 0, 59, "minute"),
            (second, 0, 61, "seconds"), (yday, 1, 366, "day of year")):
        if not least <= value <= most:
            raise ValueError(name + " out of range")
    if weekday < -1:
        raise ValueError("day of week out of range")
    return year, month, day, hour, minute, second, (weekday + 7) % 7, yday


def _strftime(format, fields, zone):
    year, month, day, hour, minute, second, weekday, yday = fields
    sunday = (weekday + 1) % 7

    def week(of):
        return (yday - 1 + 7 - of) // 7

    def epoch():
        import calendar
        return calendar.timegm((year, month, day, hour, minute, second))

    directives = {
        "Y": lambda: str(year), "m": lambda: "%02d" % month, "d": lambda: "%02d" % day, "H": lambda: "%02d" % hour,
        "M": lambda: "%02d" % minute, "S": lambda: "%02d" % second, "y": lambda: "%02d" % (year % 100),
        "C": lambda: "%02d" % (year // 100), "j": lambda: "%03d" % yday, "e": lambda: "%2d" % day, "k": lambda: "%2d" % hour,
        "I": lambda: "%02d" % (hour % 12 or 12), "l": lambda: "%2d" % (hour % 12 or 12), "p": lambda: "AM" if hour < 12 else "PM",
        "P": lambda: "am" if hour < 12 else "pm", "a": lambda: _DAYS[weekday][:3], "A": lambda: _DAYS[weekday],
        "b": lambda: _MONTHS[month - 1][:3], "h": lambda: _MONTHS[month - 1][:3], "B": lambda: _MONTHS[month - 1],
        "w": lambda: str(sunday), "u": lambda: str(weekday + 1), "U": lambda: "%02d" % week(sunday), "W": lambda: "%02d" % week(weekday),
        "G": lambda: str(_iso(year, yday, weekday)[0]), "g": lambda: "%02d" % (_iso(year, yday, weekday)[0] % 100),
        "V": lambda: "%02d" % _iso(year, yday, weekday)[1], "n": lambda: "\n", "t": lambda: "\t", "%": lambda: "%",
        "s": lambda: str(epoch()), "Z": lambda: zone[0], "z": lambda: zone[1],
        "D": lambda: _strftime("%m/%d/%y", fields, zone), "x": lambda: _strftime("%m/%d/%y", fields, zone),
        "F": lambda: "%s-%02d-%02d" % (year, month, day), "T": lambda: _strftime("%H:%M:%S", fields, zone),
        "X": lambda: _strftime("%H:%M:%S", fields, zone), "R": lambda: _strftime("%H:%M", fields, zone),
        "r": lambda: _strftime("%I:%M:%S %p", fields, zone), "c": lambda: _strftime("%a %b %e %H:%M:%S %Y", fields, zone),
    }
    out, at = [], 0
    while at < len(format):
        letter = format[at]
        at += 1
        if letter != "%":
            out.append(letter)
            continue
        start, flag = at, ""
        while at < len(format) and format[at] in "-_0^#":
            flag = format[at]
            at += 1
        width = at
        while at < len(format) and format[at].isascii() and format[at].isdigit():
            at += 1
        width = format[width:at]
        if at < len(format) and format[at] in "EO":
            at += 1
        kind = format[at] if at < len(format) else ""
        if kind not in directives or not kind:
            out.append("%" + format[start:at + 1])
            at += 1
            continue
        at += 1
        text = directives[kind]()
        if flag == "-" and kind in "mdHMSyCjeklIUWVgG":
            text = text.lstrip("0 ") or "0"
        elif flag == "_" and kind in "mdHMSyCjIUWVg":
            text = (text.lstrip("0") or "0").rjust(len(text))
        elif flag == "0" and kind in "ekl":
            text = text.replace(" ", "0")
        elif flag == "^":
            text = text.upper()
        elif flag == "#":
            text = text.lower() if kind in "pZ" else text.upper()
        if width:
            text = text.rjust(int(width), "0" if text.isdigit() and flag != "_" else " ")
        out.append(text)
    return "".join(out)


def _install_time():
    gmtime = time.gmtime

    def zoned(seconds, zone):
        return time.struct_time(tuple(gmtime(seconds))[:9] + (zone, 0))

    if getattr(zoned(0, "GMT"), "tm_zone", None) == "GMT":
        time.gmtime = lambda seconds=None, /: zoned(seconds, "GMT")
        time.localtime = lambda seconds=None, /: zoned(seconds, "UTC")

    def strftime(format, t=None, /):
        if not isinstance(format, str):
            raise TypeError("strftime() argument 1 must be str, not " + type(format).__name__)
        if "\0" in format:
            raise ValueError("embedded null character")
        return _strftime(format, _fields(time.gmtime() if t is None else t), (getattr(t, "tm_zone", None) or "UTC", "+0000"))

    time.strftime = strftime


def _install_json():
    scan = json.decoder.py_scanstring
    escape = re.compile(r'([\\"]|[^\ -~])')
    plain = re.compile(r'[\x00-\x1f\\"\b\f\n\r\t]')
    names = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    number = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.VERBOSE | re.MULTILINE | re.DOTALL)

    _init = json.JSONDecoder.__init__

    def init(self, *, object_hook=None, parse_float=None, parse_int=None, parse_constant=None, strict=True, object_pairs_hook=None):
        _init(self, object_hook=object_hook, parse_float=parse_float, parse_int=parse_int, parse_constant=parse_constant,
              strict=strict, object_pairs_hook=object_pairs_hook)
        self._native_scan = self.scan_once
        self.parse_string = scan
        self.scan_once = json.scanner.py_make_scanner(self)

    def decode(self, s, _w=json.decoder.WHITESPACE.match):
        if self._native_scan is not None and _is_plain_json(s):
            return _native_decode(self, s)
        obj, end = self.raw_decode(s, idx=_w(s, 0).end())
        end = _w(s, end).end()
        if end != len(s):
            raise json.JSONDecodeError("Extra data", s, end)
        return obj

    def _native_decode(self, s):
        at = len(s) - len(s.lstrip(" \t\n\r"))
        return self._native_scan(s, at)[0]

    json.scanner.NUMBER_RE = number
    json.JSONDecoder.__init__ = init
    json.JSONDecoder.decode = decode
    json._default_decoder.__init__()

    def encode_ascii(s):
        def replace(match):
            letter = match.group(0)
            if letter in names:
                return names[letter]
            n = ord(letter)
            if n < 0x10000:
                return "\\u%04x" % n
            n -= 0x10000
            return "\\u%04x\\u%04x" % (0xd800 | ((n >> 10) & 0x3ff), 0xdc00 | (n & 0x3ff))
        return '"' + escape.sub(replace, s) + '"'

    def encode(s):
        return '"' + plain.sub(lambda match: names.get(match.group(0)) or "\\u%04x" % ord(match.group(0)), s) + '"'

    native_ascii, native_plain = json.encoder.encode_basestring_ascii, json.encoder.encode_basestring

    def fast_ascii(s):
        return native_ascii(s) if s.isascii() and "\x7f" not in s else encode_ascii(s)

    def fast(s):
        return native_plain(s) if s.isascii() and "\x7f" not in s else encode(s)

    json.encoder.encode_basestring_ascii = fast_ascii
    json.encoder.encode_basestring = fast
    json.encoder.c_make_encoder = None




_BLAKE2 = {
    "blake2b": (64, 8, 16, 16, 12, (32, 24, 16, 63), (
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179)),
    "blake2s": (32, 4, 8, 8, 10, (16, 12, 8, 7), (
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19)),
}
_SIGMA = tuple(tuple(int(digit, 16) for digit in row) for row in (
    "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
    "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0"))


class _Blake2:
    """BLAKE2 (RFC 7693) with every parameter that `hashlib` has."""

    def __init__(self, kind, data, digest_size, key, salt, person, fanout, depth, leaf_size, node_offset, node_depth,
                 inner_size, last_node):
        most, word, salt_max, person_max, self._rounds, self._shifts, vector = _BLAKE2[kind]
        key, salt, person = bytes(memoryview(key)), bytes(memoryview(salt)), bytes(memoryview(person))
        for value, least, highest, message in (
                (digest_size, 1, most, f"digest_size for {kind.capitalize()} must be between 1 and {most} bytes, here it is {digest_size}"),
                (len(salt), 0, salt_max, f"maximum salt length is {salt_max} bytes"),
                (len(person), 0, person_max, f"maximum person length is {person_max} bytes"),
                (fanout, 0, 255, "fanout must be between 0 and 255"), (depth, 1, 255, "depth must be between 1 and 255"),
                (node_depth, 0, 255, "node_depth must be between 0 and 255"),
                (inner_size, 0, most, f"inner_size must be between 0 and is {most}"),
                (len(key), 0, most, f"maximum key length is {most} bytes")):
            if not least <= value <= highest:
                raise ValueError(message)
        offset_bytes = 8 if word == 8 else 6
        if leaf_size < 0 or leaf_size > 0xffffffff or node_offset < 0 or node_offset >= 1 << 8 * offset_bytes:
            raise OverflowError("leaf_size or node_offset is too large")
        block = bytes([digest_size, len(key), fanout, depth]) + leaf_size.to_bytes(4, "little")
        block += node_offset.to_bytes(offset_bytes, "little") + bytes([node_depth, inner_size])
        block += bytes(14 if word == 8 else 0) + salt.ljust(salt_max, b"\0") + person.ljust(person_max, b"\0")
        words = [int.from_bytes(block[at:at + word], "little") for at in range(0, 8 * word, word)]
        self._vector, self._word, self._last_node = vector, word, bool(last_node)
        self._state = [a ^ b for a, b in zip(vector, words)]
        self._count, self.name, self.digest_size, self.block_size = 0, kind, digest_size, 16 * word
        self._buffer = key.ljust(16 * word, b"\0") if key else b""
        self.update(data)

    def update(self, data, /):
        if isinstance(data, str):
            raise TypeError("Strings must be encoded before hashing")
        self._buffer += bytes(memoryview(data))
        while len(self._buffer) > self.block_size:
            self._count += self.block_size
            self._compress(self._buffer[:self.block_size], False)
            self._buffer = self._buffer[self.block_size:]

    def _compress(self, block, last):
        word, bits = self._word, 8 * self._word
        mask = (1 << bits) - 1
        m = [int.from_bytes(block[at:at + word], "little") for at in range(0, 16 * word, word)]
        v = self._state + list(self._vector)
        v[12] ^= self._count & mask
        v[13] ^= self._count >> bits
        if last:
            v[14] ^= mask
            if self._last_node:
                v[15] ^= mask
        one, two, three, four = self._shifts
        for round_ in range(self._rounds):
            order = _SIGMA[round_ % 10]
            for at, (a, b, c, d) in enumerate((
                    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))):
                v[a] = (v[a] + v[b] + m[order[2 * at]]) & mask
                x = v[d] ^ v[a]
                v[d] = (x >> one | x << bits - one) & mask
                v[c] = (v[c] + v[d]) & mask
                x = v[b] ^ v[c]
                v[b] = (x >> two | x << bits - two) & mask
                v[a] = (v[a] + v[b] + m[order[2 * at + 1]]) & mask
                x = v[d] ^ v[a]
                v[d] = (x >> three | x << bits - three) & mask
                v[c] = (v[c] + v[d]) & mask
                x = v[b] ^ v[c]
                v[b] = (x >> four | x << bits - four) & mask
        self._state = [h ^ v[at] ^ v[at + 8] for at, h in enumerate(self._state)]

    def copy(self):
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def digest(self):
        end = self.copy()
        end._count += len(end._buffer)
        end._compress(end._buffer.ljust(self.block_size, b"\0"), True)
        return b"".join(h.to_bytes(self._word, "little") for h in end._state)[:self.digest_size]

    def hexdigest(self):
        return self.digest().hex()


def _install_hashes():
    plain = {"blake2b": hashlib.blake2b, "blake2s": hashlib.blake2s}

    def make(kind):
        most, word, native = _BLAKE2[kind][0], _BLAKE2[kind][1], plain[kind]

        def hash_(data=b"", /, *, digest_size=most, key=b"", salt=b"", person=b"", fanout=1, depth=1, leaf_size=0,
                  node_offset=0, node_depth=0, inner_size=0, last_node=False, usedforsecurity=True):
            rest = (key, salt, person, fanout, depth, leaf_size, node_offset, node_depth, inner_size, last_node)
            if digest_size == most and rest == (b"", b"", b"", 1, 1, 0, 0, 0, 0, False):
                return native(data)
            return _Blake2(kind, data, digest_size, *rest)
        hash_.__name__ = hash_.__qualname__ = kind
        hash_.MAX_DIGEST_SIZE = hash_.MAX_KEY_SIZE = most
        hash_.SALT_SIZE = hash_.PERSON_SIZE = 2 * word
        return hash_

    hashlib.blake2b, hashlib.blake2s = make("blake2b"), make("blake2s")


def _install_small():
    def quote_from_bytes(bs, safe="/"):
        if not isinstance(bs, (bytes, bytearray)):
            raise TypeError("quote_from_bytes() expected bytes")
        if not bs:
            return ""
        safe = safe.encode("ascii", "ignore") if isinstance(safe, str) else bytes([c for c in safe if c < 128])
        kept = frozenset(urllib.parse._ALWAYS_SAFE_BYTES + safe)
        return "".join([chr(c) if c in kept else "%%%02X" % c for c in bs])

    urllib.parse.quote_from_bytes = quote_from_bytes

    re.error = re.PatternError
    re.PatternError.__name__ = re.PatternError.__qualname__ = "error"

    def ordered_repr(self):
        return "OrderedDict(%r)" % (list(self.items()),) if self else "OrderedDict()"

    collections.OrderedDict.__repr__ = ordered_repr
    native_encode = str.encode

    def encode(text, encoding="utf-8", errors="strict"):
        if errors == "surrogatepass" and isinstance(encoding, str) and not encoding.lower().startswith(("utf", "u8")):
            errors = "strict"
        return native_encode(text, encoding, errors)

    _replace_text("encode", encode)


_install_text()
_install_bytes()
_install_time()
_install_json()
_install_hashes()
_install_small()
