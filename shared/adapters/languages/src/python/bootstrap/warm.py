"""Makes, once per process, what the library would make at its first use: each run starts without it."""

import codecs
import hashlib
import string

string.Template.pattern
for name in sorted(hashlib.algorithms_guaranteed):
    try:
        hashlib.new(name)
    except ValueError:
        pass
for name in ("utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1", "utf-8-sig",
             "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "windows-1252", "idna"):
    try:
        codecs.lookup(name)
    except (LookupError, ImportError):
        pass
