//! The modules that a policy may import, and what to write instead of the others.

/// The modules that a policy may import; all of them are imported when the interpreter starts.
pub(super) const SUPPORTED: &[&str] = &[
    "__future__",
    "abc",
    "array",
    "base64",
    "binascii",
    "bisect",
    "calendar",
    "collections",
    "collections.abc",
    "contextlib",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fnmatch",
    "fractions",
    "functools",
    "graphlib",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "logging",
    "math",
    "numbers",
    "operator",
    "os",
    "os.path",
    "posixpath",
    "pprint",
    "random",
    "re",
    "reprlib",
    "secrets",
    "statistics",
    "string",
    "struct",
    "sys",
    "textwrap",
    "time",
    "traceback",
    "types",
    "typing",
    "unicodedata",
    "urllib",
    "urllib.parse",
    "uuid",
    "warnings",
    "weakref",
    "zlib",
];

/// What to write instead of an import that does not exist here.
pub(super) fn instead_of(module: &str) -> &'static str {
    match module.split('.').next().unwrap_or_default() {
        "requests" | "httpx" | "aiohttp" | "http" | "urllib" | "urllib3" | "socket" | "ssl"
        | "ftplib" | "smtplib" | "select" | "selectors" | "xmlrpc" | "boto3" | "redis"
        | "pymongo" | "websocket" | "websockets" | "grpc" | "kubernetes" | "kafka" | "pika"
        | "psycopg2" | "sqlalchemy" | "flask" | "fastapi" | "uvicorn" | "paramiko" | "openai" => {
            "a policy cannot reach the network: let the caller, or a data source, fetch before the call and pass \
             the data in `input_data`, or in `policy_parameters` or `policy_settings` if it changes rarely"
        }
        "aios_policy_sandbox" | "aios" => {
            "remove the import: the platform loads the policy, checks its schemas and calls the class by itself"
        }
        "transformers" | "spacy" | "nltk" | "joblib" => {
            "a policy holds no model: let the caller pass its scores in `input_data`"
        }
        "numpy" | "pandas" | "scipy" | "sklearn" | "torch" | "tensorflow" => {
            "use lists with `math` and `statistics`; heavier computing belongs before the policy"
        }
        "platform" | "getpass" | "pwd" | "grp" | "argparse" | "optparse" | "dotenv"
        | "decouple" | "configparser" | "locale" => {
            "a policy knows nothing of its host: put what it must know into `policy_settings`"
        }
        "cryptography" | "Crypto" | "jwt" | "jose" | "OpenSSL" => {
            "use `hashlib` and `hmac`, or verify before the call and pass the claims in `input_data`"
        }
        "subprocess" | "multiprocessing" | "signal" | "pty" | "resource" | "psutil" => {
            "a policy cannot start or control processes: let the caller do it by the policy's answer"
        }
        "threading" | "_thread" | "concurrent" | "asyncio" | "queue" | "sched" => {
            "a policy runs on one thread: call the functions one after another"
        }
        "ctypes" | "cffi" | "mmap" | "gc" | "inspect" | "ast" | "dis" | "importlib"
        | "builtins" => "a policy cannot reach into its interpreter: use plain Python",
        "pathlib" | "glob" | "shutil" | "tempfile" | "fileinput" | "sqlite3" | "csv" | "pickle"
        | "shelve" | "zipfile" | "tarfile" | "gzip" => {
            "a policy has no files: let the caller pass the data as JSON; paths as text are in `posixpath`"
        }
        "yaml" | "toml" | "tomllib" | "xml" | "lxml" => "pass the data as JSON; `json` reads it",
        "pydantic" | "jsonschema" | "attr" | "attrs" => {
            "declare `policy_input_schema`: it is checked before the policy runs; `dataclasses` exists"
        }
        "pytz" | "zoneinfo" | "dateutil" => {
            "use `datetime` with `timezone(timedelta(hours=...))`; time is UTC here"
        }
        _ => {
            "put the code into the policy itself, or use a module of the supported subset (docs/languages/python.md)"
        }
    }
}

/// What to write instead of a name that a supported module lacks here.
pub(super) fn instead_of_name(module: &str, name: &str) -> &'static str {
    match (module, name) {
        ("os", "system" | "popen" | "fork" | "kill" | "getpid" | "execv" | "spawnv") => {
            instead_of("subprocess")
        }
        ("os" | "os.path" | "posixpath" | "io", _) => instead_of("pathlib"),
        ("hashlib", "scrypt") => {
            "use `hashlib.pbkdf2_hmac`, or verify the password before the call: scrypt takes more memory than a policy has"
        }
        ("sys", _) => instead_of("ctypes"),
        ("time", _) => "use `time.time()`: the time of the call, constant during a run",
        ("logging", _) => "log with `logging.getLogger(__name__)`: the lines are kept with the run",
        _ => "check the spelling; the table in docs/languages/python.md lists what exists",
    }
}

/// What to write instead of a builtin function that does not work here.
pub(super) fn instead_of_builtin(name: &str) -> Option<&'static str> {
    match name {
        "open" => Some(
            "a policy has no files: let the caller pass the data in `policy_parameters` or `input_data`",
        ),
        "input" => Some("a policy has no terminal: read from `input_data`"),
        "breakpoint" => {
            Some("a policy has no debugger: `print` what you want to see; it is kept with the run")
        }
        "exit" | "quit" => Some("return the decision, or raise an exception"),
        "help" => Some("a policy has no terminal"),
        _ => None,
    }
}
