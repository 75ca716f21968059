"""Values as source text, by kind. A template names a kind as `<kind>`."""

import struct


def _choice(*texts):
    return lambda rng: rng.choice(texts)


def _float(rng):
    way = rng.randrange(8)
    if way == 0:
        return rng.choice((
            "0.0", "-0.0", "1.0", "-1.0", "0.1", "0.5", "-0.5", "1.5", "2.5", "-2.5", "2.675", "1e16", "1e-5", "1e22",
            "1e21", "123456789.123", "0.0001", "1e300", "-1e300", "5e-324", "1.7976931348623157e308",
            "float('inf')", "float('-inf')", "float('nan')", "9007199254740993.0", "0.00001234", "100.0",
        ))
    if way == 1:
        found = struct.unpack("<d", rng.randbytes(8))[0]
        return repr(found) if found == found and abs(found) != float("inf") else "float('nan')"
    if way == 2:
        return repr(rng.randrange(-10**6, 10**6) / 1000)
    if way == 3:
        return repr(float(rng.randrange(-20, 20)))
    if way == 4:
        return repr(rng.randrange(-2000, 2000) / 200)
    if way == 5:
        return repr(rng.uniform(-1, 1) * 10 ** rng.randrange(-12, 22))
    if way == 6:
        return repr(rng.randrange(-10**9, 10**9) / 8)
    return repr(round(rng.uniform(-10000, 10000), rng.randrange(0, 4)))


def _int(rng):
    way = rng.randrange(5)
    if way == 0:
        return rng.choice(("0", "1", "-1", "2", "7", "10", "255", "256", "-128", "1000", "True", "False", "65535"))
    if way == 1:
        return str(rng.randrange(-100, 100))
    if way == 2:
        return str(rng.randrange(-10**6, 10**6))
    if way == 3:
        return str(rng.choice((2**31, 2**31 - 1, -2**31, 2**53, 2**53 + 1, 2**63, 2**63 - 1, -2**63, 2**64, 10**18)))
    return str(rng.randrange(-10**30, 10**30))


def _small(rng):
    return str(rng.randrange(-6, 12))


def _digits(rng):
    return str(rng.choice((0, 1, 2, 2, 2, 3, 4, 5, 6, 8, 10, 15, 17, 20, 22, 25, 300, 330, -1, -2, -3, -5, -10, -310)))


ALPHABETS = (
    "abcxyz", "abcABC 012", "aA\t\n \r", "éèßİıſςΣσ", "٣٤５²½Ⅷ一", "a.b,c;d:e", "\u2028\u2029\x1c\x1d\x1e\x1f\x85\xa0\x0b\x0c",
    "ab😀\u0301ﬁǆ", "%s{}[]()", "<>&\"'", "-_~!*'()/?#=&+ %", "0123456789", "\x00\x7f\\", "日本語 текст",
    "ǅŉΐᾳᾼﬀẞ", "+-. eE_0x",
)


def _text(rng, most=8):
    letters = rng.choice(ALPHABETS)
    if rng.randrange(4) == 0:
        letters += rng.choice(ALPHABETS)
    return repr("".join(rng.choice(letters) for _ in range(rng.randrange(most))))


def _word(rng):
    return repr("".join(rng.choice("abcAB c1") for _ in range(rng.randrange(1, 7))))


def _piece(rng):
    return repr("".join(rng.choice("ab c,.\n") for _ in range(rng.randrange(0, 3))))


def _char(rng):
    return repr(rng.choice(rng.choice(ALPHABETS)))


def _surrogate(rng):
    return ascii("".join(rng.choice("a\ud83d\ude00é") for _ in range(rng.randrange(1, 4))))


def _number_text(rng):
    way = rng.randrange(6)
    if way == 0:
        return repr(rng.choice((
            "", " 12 ", "1_000", "1__0", "_1", "1_", "0x1f", "0b11", "0o17", "010", "00", "+5", "-5", "- 5", "1e5",
            "1.5", ".5", "5.", "1e", "1_0.0_1", "inf", "-Infinity", "nan", "NaN", "٣٤", "１２", "1,000", "\t7\n", "²",
            "½", "1e400", "-0", "-0.0", "+.5e-3", "0x1p3", "infinit", "1.5j", "0_0", "\x1c5", "5\x00",
        )))
    if way == 1:
        return repr(str(rng.randrange(-10**6, 10**6)))
    if way == 2:
        return repr(_float(rng).replace("float('", "").replace("')", ""))
    return repr("".join(rng.choice("0123456789.-+e_ ") for _ in range(rng.randrange(1, 7))))


def _bytes(rng):
    way = rng.randrange(4)
    if way == 0:
        return repr(rng.randbytes(rng.randrange(6)))
    if way == 1:
        return repr("".join(rng.choice("abAB 01,.\n\t%") for _ in range(rng.randrange(8))).encode())
    if way == 2:
        return repr("".join(rng.choice("é日a😀") for _ in range(rng.randrange(4))).encode())
    return rng.choice(("b''", "b'abc'", "b'a,b,c'", "b' x '", "b'\\xff'", "b'YWJj'", "b'00ff'"))


def _list_of(kind, most=6):
    def make(rng):
        return "[" + ", ".join(KINDS[kind](rng) for _ in range(rng.randrange(most))) + "]"
    return make


def _hashable(rng):
    return rng.choice((_int, _word, _small, _float))(rng)


def _set(rng):
    return "set([" + ", ".join(_small(rng) for _ in range(rng.randrange(5))) + "])"


def _dict(rng):
    return "{" + ", ".join(f"{_word(rng)}: {_any(rng)}" for _ in range(rng.randrange(4))) + "}"


def _any(rng, depth=2):
    way = rng.randrange(10 if depth else 7)
    if way == 0:
        return rng.choice(("None", "True", "False"))
    if way in (1, 2):
        return _int(rng)
    if way in (3, 4):
        return _float(rng)
    if way in (5, 6):
        return _text(rng)
    items = [_any(rng, depth - 1) for _ in range(rng.randrange(4))]
    if way == 7:
        return "[" + ", ".join(items) + "]"
    if way == 8:
        return "(" + "".join(item + ", " for item in items) + ")"
    return "{" + ", ".join(f"{_word(rng)}: {item}" for item in items) + "}"


def _spec(types):
    def make(rng):
        fill = rng.choice(("", "", "", "<", ">", "^", "=", "*<", "0>", "é^", "x=", " <"))
        sign = rng.choice(("", "", "", "", "+", "-", " "))
        alternate = rng.choice(("", "", "", "", "#", "z", "0", "#0"))
        width = rng.choice(("", "", "1", "5", "8", "10", "012", "20"))
        group = rng.choice(("", "", "", ",", "_"))
        precision = rng.choice(("", "", "", ".0", ".1", ".2", ".3", ".6", ".10", ".17"))
        return repr(fill + sign + alternate + width + group + precision + rng.choice(types))
    return make


def _percent(rng):
    flags = "".join(rng.choice(("", "", "", "-", "+", " ", "0", "#")) for _ in range(2))
    width = rng.choice(("", "", "5", "10", "3"))
    precision = rng.choice(("", "", "", ".0", ".1", ".2", ".3", ".8", "."))
    return "%" + flags + width + precision + rng.choice("sdrifFeEgGxXocau%")


def _format_text(rng):
    return repr("".join(rng.choice((
        "{}", "{0}", "{1}", "{a}", "{0!r}", "{a!s:>5}", "{0[0]}", "{a.real}", "{{", "}}", "x", " ", "{:>{w}}", "{!a}", "{", "}",
        "{a[k]}", "{:.2f}", "{0:x}",
    )) for _ in range(rng.randrange(1, 4))))


def _date_text(rng):
    y, m, d = rng.randrange(1, 10000), rng.randrange(0, 14), rng.randrange(0, 33)
    text = rng.choice(("%04d-%02d-%02d", "%04d%02d%02d", "%d-%d-%d", "%04d/%02d/%02d", "%04d-%02d-%02d")) % (y, m, d)
    if rng.randrange(8) == 0:
        text = "%04d-W%02d-%d" % (y, rng.randrange(0, 55), rng.randrange(0, 9))
    if rng.randrange(3):
        h, n, s = rng.randrange(0, 25), rng.randrange(0, 61), rng.randrange(0, 61)
        text += rng.choice(("T", " ", "T", "t", "  "))
        form = rng.choice(("%02d:%02d:%02d", "%02d%02d%02d", "%d:%d:%d", "%02d:%02d", "%02d"))
        text += form % (h, n, s)[:form.count("%")]
        text += rng.choice(("", "", "", ".5", ".123", ".123456", ".1234567", ",5", "."))
        text += rng.choice(("", "", "Z", "+02:00", "-0330", "+0200", "+2", "+02:00:30", " +02:00", "z", "+24:00", "-00:00"))
    return repr(text)


def _datetime(rng):
    way = rng.randrange(3)
    stamp = "datetime.datetime(%d, %d, %d, %d, %d, %d, %d" % (
        rng.choice((1, 1900, 1970, 1999, 2000, 2023, 2024, 2100, 9999)), rng.randrange(1, 13), rng.randrange(1, 29),
        rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.choice((0, 0, 1, 500000, 999999, 123000)))
    if way == 0:
        return stamp + ", tzinfo=" + _zone(rng) + ")"
    return stamp + ")"


def _date(rng):
    return "datetime.date(%d, %d, %d)" % (rng.randrange(1, 10000), rng.randrange(1, 13), rng.randrange(1, 29))


def _time(rng):
    return "datetime.time(%d, %d, %d, %d)" % (
        rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.choice((0, 0, 1, 500000, 123456)))


def _delta(rng):
    return "datetime.timedelta(%d, %d, %d)" % (
        rng.randrange(-1000, 1000), rng.randrange(-100000, 100000), rng.randrange(-10**6, 10**6))


def _zone(rng):
    return rng.choice((
        "datetime.timezone.utc", "datetime.timezone(datetime.timedelta(hours=2))",
        "datetime.timezone(datetime.timedelta(hours=-5, minutes=-30))",
        "datetime.timezone(datetime.timedelta(seconds=3661), 'X')", "datetime.timezone(datetime.timedelta(0), 'Z')",
    ))


def _time_format(rng):
    return repr("".join(rng.choice((
        "%Y", "%m", "%d", "%H", "%M", "%S", "%f", "%z", "%Z", "%j", "%U", "%W", "%w", "%a", "%A", "%b", "%B", "%p", "%I", "%y",
        "%c", "%x", "%X", "%%", "%G", "%V", "%u", "%D", "%F", "%T", "%e", "%s", "%R", "%r", "%h", "%n", "%t", "%C", "%g", "%k", "%l",
        "%P", "%-d", "%Q", "%", " ", "-", "T", "é",
    )) for _ in range(rng.randrange(1, 5))))


def _strptime(rng):
    pairs = (
        ("%Y-%m-%d", ("2024-02-29", "2023-02-29", "2024-2-9", "24-02-01", "2024-13-01", " 2024-01-01", "2024-01-01 ", "2024-001-1")),
        ("%d/%m/%Y %H:%M", ("01/02/2024 13:05", "1/2/2024 1:5", "32/01/2024 00:00", "01/02/2024  13:05", "01/02/2024 24:00")),
        ("%Y-%m-%dT%H:%M:%S%z", ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00+0200", "2024-01-01T00:00:00+02:00", "2024-01-01T00:00:00")),
        ("%Y-%m-%dT%H:%M:%S.%f", ("2024-01-01T00:00:00.5", "2024-01-01T00:00:00.1234567", "2024-01-01T23:59:60.000001", "2024-01-01T23:59:61.0")),
        ("%b %d %Y", ("Jan 05 2024", "jan 5 2024", "January 5 2024", "Foo 5 2024")),
        ("%A, %d. %B %y", ("Monday, 01. January 24", "monday, 1. january 69", "Mon, 01. January 24")),
        ("%I:%M %p", ("01:05 PM", "12:00 am", "13:00 PM", "00:30 AM")),
        ("%j %Y", ("366 2024", "366 2023", "001 2024", "0 2024")),
        ("%G-W%V-%u", ("2024-W01-1", "2024-W53-1", "2020-W53-7")),
        ("%Y%m%d", ("20240229", "2024229", "20230229", "2024111", "202411")),
        ("%Z", ("UTC", "utc", "GMT", "CET")), ("%y", ("68", "69", "1", "123")), ("%H%M%S", ("123456", "12345", "1234")),
        ("%Y %U %w", ("2024 10 3", "2024 53 6")), ("%%%Y", ("%2024", "2024")), ("%s", ("100",)), ("%c", ("Mon Jan  1 00:00:00 2024",)),
        ("%x %X", ("01/02/24 03:04:05",)), ("%D", ("01/02/24",)), ("%Y٣", ("2024٣",)), ("%d", ("٣", "1٣", "３")),
    )
    form, texts = rng.choice(pairs)
    text = rng.choice(texts)
    if rng.randrange(4) == 0:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(("", "0", " ", "-", "9")) + text[at + rng.randrange(2):]
    return repr(text) + ", " + repr(form)


def _url(rng):
    way = rng.randrange(3)
    if way == 0:
        return repr("".join(rng.choice(("http", "https", ":", "//", "host", ".com", ":80", "/", "a", "?", "q=1", "&", "#", "f", "@", "user", "[::1]", ";", "%41", " ", "É", "\t")) for _ in range(rng.randrange(1, 8))))
    return repr(rng.choice((
        "http://user:pw@Host.Example:8080/p/a;x?q=1&r=&q=2#frag", "//host/path", "mailto:a@b.c", "/a/../b/./c", "http://[::1]:90/",
        "http://h:99999/", "http://h:x/", "a?b=c&d=%20+e", "HTTP://A.B", "ftp://x/y;type=a", "http://é.com/ü", "", "?x", "#f", "http://a:b:c",
        "javascript:alert(1)", "http://h\\n/x", "https://a@b@c/d", "x:y:z", "http:///p", "http://[fe80::1%25en0]/",
    )))


def _query(rng):
    return repr("".join(rng.choice(("a", "b", "=", "&", ";", "%20", "+", "%C3%A9", "%zz", "é", "1", "=&")) for _ in range(rng.randrange(8))))


def _json_text(rng):
    import json
    way = rng.randrange(3)
    if way == 0:
        return repr(rng.choice((
            "", " ", "1", "-0", "-0.0", "1.0", "1e5", "1E+2", "01", "1.", ".5", "+1", "NaN", "Infinity", "-Infinity", "nan", "true", "True",
            "null", "\"a\"", "'a'", "\"\\ud83d\"", "\"\\ud83d\\ude00\"", "\"\\ude00\\ud83d\"", "\"\\u00e9\"", "\"\\x41\"", "\"\\u12\"",
            "\"a\nb\"", "\"a\tb\"", "[1,]", "[,1]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{a:1}", "[1 2]", "1 2", "\ufeff1", "[[[]]]",
            "1e400", "123456789012345678901234567890", "{\"a\": [1, 2.5, null, true]}", "\"\\/\"", "[1]x", " [1] ", "\u00a01", "-", "--1",
            "1e", "0x1", "{\"\": 0}", "{1: 2}", "\"\x7f\"", "[1]\x00",
        )))
    if way == 1:
        return repr(json.dumps(eval(_any(rng)), ensure_ascii=bool(rng.randrange(2))))
    text = json.dumps(eval(_any(rng)))
    at = rng.randrange(len(text) + 1)
    return repr(text[:at] + rng.choice(("", ",", "\"", "1", "}", "e", "\\")) + text[at + 1:])


def _pattern(rng):
    return repr("".join(rng.choice((
        "a", "b", ".", "\\d", "\\w", "\\s", "\\b", "[abc]", "[^a]", "(a|b)", "(?P<n>a)", "(?:ab)", "*", "+", "?", "{1,2}", "^", "$", "(?i)a", "\\1",
        "(?=b)", "(?!b)", "(?<=a)", "é", "[a-z]", "\\.", "*?", "+?", "\\W", "\\S", "\\Z", "|", "(", ")", "[", "(?s).", "++", "(?>a)", "\\D",
    )) for _ in range(rng.randrange(1, 5))))


def _ip(rng):
    return repr(rng.choice((
        lambda: ".".join(str(rng.randrange(0, 260)) for _ in range(4)),
        lambda: ".".join(str(rng.randrange(0, 256)) for _ in range(4)),
        lambda: rng.choice(("10.0.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "255.255.255.255", "169.254.0.1", "224.0.0.1", "100.64.0.1",
                            "01.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.a", "", " 1.2.3.4", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1",
                            "2001:db8::1", "::ffff:1.2.3.4", "fe80::1%eth0", "1::2::3", "12345::", "ff02::1", "fc00::", "2002::", "64:ff9b::1",
                            "2001:0db8:0000:0000:0000:0000:0000:0001", "::1.2.3", "g::1", "１.2.3.4")),
    ))())


def _network(rng):
    return repr(rng.choice((
        "10.0.0.0/8", "10.0.0.1/8", "192.168.1.0/24", "192.168.1.0/255.255.255.0", "0.0.0.0/0", "1.2.3.4/32", "1.2.3.4/33", "1.2.3.4", "1.2.3.4/31",
        "2001:db8::/32", "2001:db8::1/32", "::/0", "::1/128", "::1/129", "10.0.0.0/0.0.0.255", "10.0.0.0/255.0.255.0", "10.0.0.0/", "10.0.0.0/-1",
        "10.0.0.0/a", "fe80::/10", "172.16.0.0/12", "10.0.0.0/08", "172.20.0.0/16", "10.1.0.0/16", "a/b/c",
    )))


def _decimal(rng):
    return "decimal.Decimal(" + rng.choice((
        lambda: repr(str(rng.randrange(-10**6, 10**6) / 1000)), lambda: repr(str(rng.randrange(-100, 100))),
        lambda: repr(rng.choice(("0", "-0", "1E+5", "1e-7", "NaN", "Infinity", "-Infinity", "0.1", "2.675", "1.10", "123456789.987654321", "5E-10", "sNaN")))),
    )() + ")"


def _fraction(rng):
    return "fractions.Fraction(%d, %d)" % (rng.randrange(-50, 50), rng.randrange(1, 30))


def _encoding(rng):
    return repr(rng.choice(("utf-8", "ascii", "latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252", "utf8", "UTF_8", "idna", "iso-8859-15", "utf-8-sig", "nonsense", "rot13", "hex", "unicode_escape", "punycode", "utf-7", "raw_unicode_escape")))


def _struct_format(rng):
    return repr(rng.choice("@=<>! ").strip() + "".join(rng.choice(("b", "B", "h", "H", "i", "I", "q", "Q", "f", "d", "?", "c", "3s", "x", "2h", "e", "p")) for _ in range(rng.randrange(1, 3))))


KINDS = {
    "f": _float, "i": _int, "n": _small, "nd": _digits, "s": _text, "w": _word, "p": _piece, "c": _char, "ss": _surrogate, "nt": _number_text,
    "b": _bytes, "any": _any, "d": _dict, "S": _set, "h": _hashable,
    "num": lambda rng: rng.choice((_int, _float, _small))(rng),
    "long": lambda rng: _text(rng, 40),
    "ln": _list_of("n"), "li": _list_of("i"), "lf": _list_of("f"), "lw": _list_of("w"), "ls": _list_of("s"), "la": _list_of("any"),
    "lnum": _list_of("num"), "lh": _list_of("h"), "lb": _list_of("b"), "lp": _list_of("fq"),
    "fq": lambda rng: repr(rng.randrange(-400, 400) / 8),
    "pos": lambda rng: str(rng.randrange(0, 12)), "bit": lambda rng: str(rng.randrange(0, 70)),
    "sh": lambda rng: str(rng.choice((-1, 0, 1, 5, 31, 32, 63, 64, 100))),
    "base": lambda rng: str(rng.choice((0, 2, 8, 10, 16, 36, 1, 37, 3))),
    "spec_s": _spec(("", "s", "s", "d")), "spec_i": _spec(("", "d", "b", "o", "x", "X", "c", "n", "f", "e", "g", "%", "s")),
    "spec_f": _spec(("", "f", "F", "e", "E", "g", "G", "n", "%", "d")),
    "percent": lambda rng: repr(_percent(rng)), "ft": _format_text,
    "dt": _datetime, "date": _date, "time": _time, "delta": _delta, "zone": _zone, "iso": _date_text, "tf": _time_format, "strp": _strptime,
    "url": _url, "qs": _query, "json": _json_text, "re": _pattern, "ip": _ip, "net": _network, "dec": _decimal, "frac": _fraction,
    "enc": _encoding, "sf": _struct_format,
    "errors": _choice("'strict'", "'ignore'", "'replace'", "'xmlcharrefreplace'", "'backslashreplace'", "'surrogateescape'", "'surrogatepass'", "'namereplace'", "'nonsense'"),
    "bool": _choice("True", "False"), "form": _choice("'NFC'", "'NFD'", "'NFKC'", "'NFKD'"),
    "hash": _choice("'md5'", "'sha1'", "'sha224'", "'sha256'", "'sha384'", "'sha512'", "'sha3_224'", "'sha3_256'", "'sha3_384'", "'sha3_512'", "'blake2b'", "'blake2s'"),
    "month": lambda rng: str(rng.randrange(0, 14)), "year": lambda rng: str(rng.choice((1, 1600, 1900, 1970, 2000, 2023, 2024, 2100, 9999, 0))),
    "ts": lambda rng: rng.choice((
        str(rng.randrange(-10**9, 4 * 10**9)), repr(rng.randrange(0, 4 * 10**9) / 1000), repr(rng.uniform(-10**6, 10**9)),
        "0", "-1", "1e18", "253402300799", "0.9999999", "1.0000005", "-0.5")),
    "lt": lambda rng: repr([rng.choice("abcd") for _ in range(rng.randrange(6))]),
    "flags": _choice("0", "re.I", "re.M", "re.S", "re.A", "re.I | re.M", "re.X"),
    "cmp": _choice("<", "<=", "==", "!=", ">", ">="),
    "round": _choice("decimal.ROUND_HALF_UP", "decimal.ROUND_HALF_EVEN", "decimal.ROUND_DOWN", "decimal.ROUND_CEILING", "decimal.ROUND_UP", "decimal.ROUND_FLOOR"),
    "q": _choice("'0.01'", "'1'", "'1E+2'", "'0.000001'"),
}
