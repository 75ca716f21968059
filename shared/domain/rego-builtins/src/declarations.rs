//! The declaration of every built-in function of OPA 1.20.2: argument and result types, in OPA's terms.

use Type::{Any, Array, Boolean, Null, Number, Object, OneOf, Set, String};

/// A type of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any value at all.
    Any,
    /// The value `null` alone.
    Null,
    /// The values `true` and `false`.
    Boolean,
    /// Numbers of every kind.
    Number,
    /// Texts of any length.
    String,
    /// Arrays: the types of the first items, then the type of all others; without one there are no others.
    Array {
        /// The types of the first items.
        items: &'static [Type],
        /// The type of the items after those.
        rest: Option<&'static Type>,
    },
    /// Objects: the types of named keys, then of other keys and their values.
    Object {
        /// Keys that have to be there, and the types of their values.
        fields: &'static [(&'static str, Type)],
        /// The types of other keys and of their values.
        rest: Option<&'static (Type, Type)>,
    },
    /// Sets with members of a type.
    Set(&'static Type),
    /// Values of one of several types.
    OneOf(&'static [Type]),
}

/// What OPA declares of a built-in function.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// The name that calls use.
    pub name: &'static str,
    /// The operator that stands for the function.
    pub infix: Option<&'static str>,
    /// The types of the arguments.
    pub args: &'static [Type],
    /// The type of the result; `print` has none.
    pub result: Option<Type>,
    /// Whether the function has many results: a call enumerates the items of the array that it answers.
    pub is_relation: bool,
    /// Whether the result depends on more than the arguments.
    pub is_varying: bool,
    /// Whether OPA refuses the function in modules of version 1.
    pub is_deprecated: bool,
    /// Whether it takes any number of arguments.
    pub is_variadic: bool,
    /// Why the function is not here, and what to do instead.
    pub missing: Option<&'static str>,
}

impl Declaration {
    const fn relation(mut self) -> Self {
        self.is_relation = true;
        self
    }

    const fn varying(mut self) -> Self {
        self.is_varying = true;
        self
    }

    const fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    const fn variadic(mut self) -> Self {
        self.is_variadic = true;
        self
    }

    const fn missing(mut self, reason: &'static str) -> Self {
        self.missing = Some(reason);
        self
    }
}

const fn d(
    name: &'static str,
    infix: Option<&'static str>,
    args: &'static [Type],
    result: Option<Type>,
) -> Declaration {
    Declaration {
        name,
        infix,
        args,
        result,
        is_relation: false,
        is_varying: false,
        is_deprecated: false,
        is_variadic: false,
        missing: None,
    }
}

/// The declaration of a name.
pub fn declaration(name: &str) -> Option<&'static Declaration> {
    let place = DECLARATIONS.binary_search_by(|declaration| declaration.name.cmp(name)).ok()?;
    DECLARATIONS.get(place)
}

const ARRAY: Type = Array { items: &[], rest: Some(&Any) };
const OBJECT: Type = Object { fields: &[], rest: Some(&(Any, Any)) };
const SET: Type = Set(&Any);
const STRINGS: Type = Array { items: &[], rest: Some(&String) };
const STRING_SET: Type = Set(&String);

/// Every function of OPA, sorted by name; those that are missing say so.
pub const DECLARATIONS: &[Declaration] = &[
    d("abs", None, &[Number], Some(Number)),
    d("all", None, &[OneOf(&[ARRAY, SET])], Some(Boolean)).deprecated(),
    d("and", Some("&"), &[SET, SET], Some(SET)),
    d("any", None, &[OneOf(&[ARRAY, SET])], Some(Boolean)).deprecated(),
    d("array.concat", None, &[ARRAY, ARRAY], Some(ARRAY)),
    d("array.flatten", None, &[ARRAY], Some(ARRAY)),
    d("array.reverse", None, &[ARRAY], Some(ARRAY)),
    d("array.slice", None, &[ARRAY, Number, Number], Some(ARRAY)),
    d("assign", Some(":="), &[Any, Any], Some(Boolean)),
    d("base64.decode", None, &[String], Some(String)),
    d("base64.encode", None, &[String], Some(String)),
    d("base64.is_valid", None, &[String], Some(Boolean)),
    d("base64url.decode", None, &[String], Some(String)),
    d("base64url.encode", None, &[String], Some(String)),
    d("base64url.encode_no_pad", None, &[String], Some(String)),
    d("bits.and", None, &[Number, Number], Some(Number)),
    d("bits.lsh", None, &[Number, Number], Some(Number)),
    d("bits.negate", None, &[Number], Some(Number)),
    d("bits.or", None, &[Number, Number], Some(Number)),
    d("bits.rsh", None, &[Number, Number], Some(Number)),
    d("bits.xor", None, &[Number, Number], Some(Number)),
    d("cast_array", None, &[Any], Some(ARRAY)).deprecated(),
    d("cast_boolean", None, &[Any], Some(Boolean)).deprecated(),
    d("cast_null", None, &[Any], Some(Null)).deprecated(),
    d("cast_object", None, &[Any], Some(OBJECT)).deprecated(),
    d("cast_set", None, &[Any], Some(SET)).deprecated(),
    d("cast_string", None, &[Any], Some(String)).deprecated(),
    d("ceil", None, &[Number], Some(Number)),
    d("concat", None, &[String, OneOf(&[STRINGS, STRING_SET])], Some(String)),
    d("contains", None, &[String, String], Some(Boolean)),
    d("count", None, &[OneOf(&[String, ARRAY, OBJECT, SET])], Some(Number)),
    d("crypto.hmac.equal", None, &[String, String], Some(Boolean)),
    d("crypto.hmac.md5", None, &[String, String], Some(String)),
    d("crypto.hmac.sha1", None, &[String, String], Some(String)),
    d("crypto.hmac.sha256", None, &[String, String], Some(String)),
    d("crypto.hmac.sha512", None, &[String, String], Some(String)),
    d("crypto.md5", None, &[String], Some(String)),
    d(
        "crypto.parse_private_keys",
        None,
        &[String],
        Some(Array { items: &[], rest: Some(&Object { fields: &[], rest: Some(&(String, Any)) }) }),
    )
    .missing("private keys are not parsed: pass the fields that you need in `input`"),
    d("crypto.sha1", None, &[String], Some(String)),
    d("crypto.sha256", None, &[String], Some(String)),
    d(
        "crypto.x509.parse_and_verify_certificates",
        None,
        &[String],
        Some(Array {
            items: &[
                Boolean,
                Array {
                    items: &[],
                    rest: Some(&Object { fields: &[], rest: Some(&(String, Any)) }),
                },
            ],
            rest: None,
        }),
    )
    .missing(
        "certificates are not parsed: parse them before the call and pass their fields in `input`",
    ),
    d(
        "crypto.x509.parse_and_verify_certificates_with_options",
        None,
        &[String, Object { fields: &[], rest: Some(&(String, Any)) }],
        Some(Array {
            items: &[
                Boolean,
                Array {
                    items: &[],
                    rest: Some(&Object { fields: &[], rest: Some(&(String, Any)) }),
                },
            ],
            rest: None,
        }),
    )
    .missing(
        "certificates are not parsed: parse them before the call and pass their fields in `input`",
    ),
    d(
        "crypto.x509.parse_certificate_request",
        None,
        &[String],
        Some(Object { fields: &[], rest: Some(&(String, Any)) }),
    )
    .missing(
        "certificates are not parsed: parse them before the call and pass their fields in `input`",
    ),
    d(
        "crypto.x509.parse_certificates",
        None,
        &[String],
        Some(Array { items: &[], rest: Some(&Object { fields: &[], rest: Some(&(String, Any)) }) }),
    )
    .missing(
        "certificates are not parsed: parse them before the call and pass their fields in `input`",
    ),
    d(
        "crypto.x509.parse_keypair",
        None,
        &[String, String],
        Some(Object { fields: &[], rest: Some(&(String, Any)) }),
    )
    .missing(
        "certificates are not parsed: parse them before the call and pass their fields in `input`",
    ),
    d(
        "crypto.x509.parse_rsa_private_key",
        None,
        &[String],
        Some(Object { fields: &[], rest: Some(&(String, Any)) }),
    )
    .missing(
        "certificates are not parsed: parse them before the call and pass their fields in `input`",
    ),
    d("div", Some("/"), &[Number, Number], Some(Number)),
    d("endswith", None, &[String, String], Some(Boolean)),
    d("eq", Some("="), &[Any, Any], Some(Boolean)),
    d("equal", Some("=="), &[Any, Any], Some(Boolean)),
    d("floor", None, &[Number], Some(Number)),
    d("format_int", None, &[Number, Number], Some(String)),
    d("glob.match", None, &[String, OneOf(&[Null, STRINGS]), String], Some(Boolean)),
    d("glob.quote_meta", None, &[String], Some(String)),
    d(
        "graph.reachable",
        None,
        &[Object { fields: &[], rest: Some(&(Any, OneOf(&[ARRAY, SET]))) }, OneOf(&[ARRAY, SET])],
        Some(SET),
    ),
    d(
        "graph.reachable_paths",
        None,
        &[Object { fields: &[], rest: Some(&(Any, OneOf(&[ARRAY, SET]))) }, OneOf(&[ARRAY, SET])],
        Some(Set(&ARRAY)),
    ),
    d(
        "graphql.is_valid",
        None,
        &[OneOf(&[String, OBJECT]), OneOf(&[String, OBJECT])],
        Some(Boolean),
    )
    .missing(
        "GraphQL is not supported: parse the query before the call and pass its tree in `input`",
    ),
    d(
        "graphql.parse",
        None,
        &[OneOf(&[String, OBJECT]), OneOf(&[String, OBJECT])],
        Some(Array { items: &[OBJECT, OBJECT], rest: None }),
    )
    .missing(
        "GraphQL is not supported: parse the query before the call and pass its tree in `input`",
    ),
    d(
        "graphql.parse_and_verify",
        None,
        &[OneOf(&[String, OBJECT]), OneOf(&[String, OBJECT])],
        Some(Array { items: &[Boolean, OBJECT, OBJECT], rest: None }),
    )
    .missing(
        "GraphQL is not supported: parse the query before the call and pass its tree in `input`",
    ),
    d("graphql.parse_query", None, &[String], Some(OBJECT)).missing(
        "GraphQL is not supported: parse the query before the call and pass its tree in `input`",
    ),
    d("graphql.parse_schema", None, &[String], Some(OBJECT)).missing(
        "GraphQL is not supported: parse the query before the call and pass its tree in `input`",
    ),
    d("graphql.schema_is_valid", None, &[OneOf(&[String, OBJECT])], Some(Boolean)).missing(
        "GraphQL is not supported: parse the query before the call and pass its tree in `input`",
    ),
    d("gt", Some(">"), &[Any, Any], Some(Boolean)),
    d("gte", Some(">="), &[Any, Any], Some(Boolean)),
    d("hex.decode", None, &[String], Some(String)),
    d("hex.encode", None, &[String], Some(String)),
    d("http.send", None, &[Object { fields: &[], rest: Some(&(String, Any)) }], Some(OBJECT))
        .varying()
        .missing("it needs the network: fetch the value before the call and pass it in `input`"),
    d("indexof", None, &[String, String], Some(Number)),
    d("indexof_n", None, &[String, String], Some(Array { items: &[], rest: Some(&Number) })),
    d("internal.member_2", Some("in"), &[Any, Any], Some(Boolean)),
    d("internal.member_3", Some("in"), &[Any, Any, Any], Some(Boolean)),
    d("internal.print", None, &[Array { items: &[], rest: Some(&SET) }], None),
    d("internal.template_string", None, &[ARRAY], Some(String)),
    d("intersection", None, &[Set(&SET)], Some(SET)),
    d(
        "io.jwt.decode",
        None,
        &[String],
        Some(Array { items: &[OBJECT, OBJECT, String], rest: None }),
    ),
    d(
        "io.jwt.decode_verify",
        None,
        &[String, Object { fields: &[], rest: Some(&(String, Any)) }],
        Some(Array { items: &[Boolean, OBJECT, OBJECT], rest: None }),
    )
    .varying(),
    d(
        "io.jwt.encode_sign",
        None,
        &[
            Object { fields: &[], rest: Some(&(String, Any)) },
            Object { fields: &[], rest: Some(&(String, Any)) },
            Object { fields: &[], rest: Some(&(String, Any)) },
        ],
        Some(String),
    )
    .varying(),
    d("io.jwt.encode_sign_raw", None, &[String, String, String], Some(String)).varying(),
    d("io.jwt.verify_eddsa", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_es256", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_es384", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_es512", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_hs256", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_hs384", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_hs512", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_ps256", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_ps384", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_ps512", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_rs256", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_rs384", None, &[String, String], Some(Boolean)),
    d("io.jwt.verify_rs512", None, &[String, String], Some(Boolean)),
    d("is_array", None, &[Any], Some(Boolean)),
    d("is_boolean", None, &[Any], Some(Boolean)),
    d("is_null", None, &[Any], Some(Boolean)),
    d("is_number", None, &[Any], Some(Boolean)),
    d("is_object", None, &[Any], Some(Boolean)),
    d("is_set", None, &[Any], Some(Boolean)),
    d("is_string", None, &[Any], Some(Boolean)),
    d(
        "json.filter",
        None,
        &[
            OBJECT,
            OneOf(&[
                Array { items: &[], rest: Some(&OneOf(&[String, ARRAY])) },
                Set(&OneOf(&[String, ARRAY])),
            ]),
        ],
        Some(OBJECT),
    ),
    d("json.is_valid", None, &[String], Some(Boolean)),
    d("json.marshal", None, &[Any], Some(String)),
    d(
        "json.marshal_with_options",
        None,
        &[
            Any,
            Object {
                fields: &[("indent", String), ("prefix", String), ("pretty", Boolean)],
                rest: Some(&(String, Any)),
            },
        ],
        Some(String),
    ),
    d(
        "json.match_schema",
        None,
        &[OneOf(&[String, OBJECT]), OneOf(&[String, OBJECT])],
        Some(Array {
            items: &[
                Boolean,
                Array {
                    items: &[],
                    rest: Some(&Object {
                        fields: &[
                            ("desc", String),
                            ("error", String),
                            ("field", String),
                            ("type", String),
                        ],
                        rest: None,
                    }),
                },
            ],
            rest: None,
        }),
    ),
    d(
        "json.patch",
        None,
        &[
            Any,
            Array {
                items: &[],
                rest: Some(&Object {
                    fields: &[("op", String), ("path", Any)],
                    rest: Some(&(Any, Any)),
                }),
            },
        ],
        Some(Any),
    ),
    d(
        "json.remove",
        None,
        &[
            OBJECT,
            OneOf(&[
                Array { items: &[], rest: Some(&OneOf(&[String, ARRAY])) },
                Set(&OneOf(&[String, ARRAY])),
            ]),
        ],
        Some(OBJECT),
    ),
    d("json.unmarshal", None, &[String], Some(Any)),
    d(
        "json.verify_schema",
        None,
        &[OneOf(&[String, OBJECT])],
        Some(Array { items: &[Boolean, OneOf(&[Null, String])], rest: None }),
    ),
    d("lower", None, &[String], Some(String)),
    d("lt", Some("<"), &[Any, Any], Some(Boolean)),
    d("lte", Some("<="), &[Any, Any], Some(Boolean)),
    d("max", None, &[OneOf(&[ARRAY, SET])], Some(Any)),
    d("min", None, &[OneOf(&[ARRAY, SET])], Some(Any)),
    d(
        "minus",
        Some("-"),
        &[OneOf(&[Number, SET]), OneOf(&[Number, SET])],
        Some(OneOf(&[Number, SET])),
    ),
    d("mul", Some("*"), &[Number, Number], Some(Number)),
    d("neq", Some("!="), &[Any, Any], Some(Boolean)),
    d("net.cidr_contains", None, &[String, String], Some(Boolean)),
    d(
        "net.cidr_contains_matches",
        None,
        &[
            OneOf(&[
                String,
                Array { items: &[], rest: Some(&OneOf(&[String, ARRAY])) },
                Object { fields: &[], rest: Some(&(String, OneOf(&[String, ARRAY]))) },
                Set(&OneOf(&[String, ARRAY])),
            ]),
            OneOf(&[
                String,
                Array { items: &[], rest: Some(&OneOf(&[String, ARRAY])) },
                Object { fields: &[], rest: Some(&(String, OneOf(&[String, ARRAY]))) },
                Set(&OneOf(&[String, ARRAY])),
            ]),
        ],
        Some(Set(&Array { items: &[Any, Any], rest: None })),
    ),
    d("net.cidr_expand", None, &[String], Some(STRING_SET)),
    d("net.cidr_intersects", None, &[String, String], Some(Boolean)),
    d("net.cidr_is_valid", None, &[String], Some(Boolean)),
    d(
        "net.cidr_merge",
        None,
        &[OneOf(&[Array { items: &[], rest: Some(&OneOf(&[String])) }, STRING_SET])],
        Some(STRING_SET),
    ),
    d("net.cidr_overlap", None, &[String, String], Some(Boolean)).deprecated(),
    d("net.lookup_ip_addr", None, &[String], Some(STRING_SET))
        .varying()
        .missing("it needs the network: fetch the value before the call and pass it in `input`"),
    d("numbers.range", None, &[Number, Number], Some(Array { items: &[], rest: Some(&Number) })),
    d(
        "numbers.range_step",
        None,
        &[Number, Number, Number],
        Some(Array { items: &[], rest: Some(&Number) }),
    ),
    d("object.filter", None, &[OBJECT, OneOf(&[ARRAY, OBJECT, SET])], Some(OBJECT)),
    d("object.get", None, &[OBJECT, Any, Any], Some(Any)),
    d("object.keys", None, &[OBJECT], Some(SET)),
    d("object.remove", None, &[OBJECT, OneOf(&[ARRAY, OBJECT, SET])], Some(OBJECT)),
    d(
        "object.subset",
        None,
        &[OneOf(&[ARRAY, OBJECT, SET]), OneOf(&[ARRAY, OBJECT, SET])],
        Some(Boolean),
    ),
    d("object.union", None, &[OBJECT, OBJECT], Some(OBJECT)),
    d("object.union_n", None, &[Array { items: &[], rest: Some(&OBJECT) }], Some(OBJECT)),
    d("opa.runtime", None, &[], Some(Object { fields: &[], rest: Some(&(String, Any)) }))
        .varying()
        .missing("it reads the settings of an OPA process: pass what you need in `input`"),
    d("or", Some("|"), &[SET, SET], Some(SET)),
    d("plus", Some("+"), &[Number, Number], Some(Number)),
    d("print", None, &[], None).variadic(),
    d(
        "product",
        None,
        &[OneOf(&[Array { items: &[], rest: Some(&Number) }, Set(&Number)])],
        Some(Number),
    ),
    d(
        "providers.aws.sign_req",
        None,
        &[
            Object { fields: &[], rest: Some(&(String, Any)) },
            Object { fields: &[], rest: Some(&(String, Any)) },
            Number,
        ],
        Some(OBJECT),
    )
    .missing("requests are not signed: sign the request outside of the policy"),
    d("rand.intn", None, &[String, Number], Some(Number)).varying(),
    d("re_match", None, &[String, String], Some(Boolean)).deprecated(),
    d(
        "regex.find_all_string_submatch_n",
        None,
        &[String, String, Number],
        Some(Array { items: &[], rest: Some(&STRINGS) }),
    ),
    d("regex.find_n", None, &[String, String, Number], Some(STRINGS)),
    d("regex.globs_match", None, &[String, String], Some(Boolean)),
    d("regex.is_valid", None, &[String], Some(Boolean)),
    d("regex.match", None, &[String, String], Some(Boolean)),
    d("regex.replace", None, &[String, String, String], Some(String)),
    d("regex.split", None, &[String, String], Some(STRINGS)),
    d("regex.template_match", None, &[String, String, String, String], Some(Boolean)),
    d("rego.metadata.chain", None, &[], Some(ARRAY))
        .missing("annotations are not read: write the values into a rule or into `data`"),
    d("rego.metadata.rule", None, &[], Some(Any))
        .missing("annotations are not read: write the values into a rule or into `data`"),
    d(
        "rego.parse_module",
        None,
        &[String, String],
        Some(Object { fields: &[], rest: Some(&(String, Any)) }),
    )
    .missing("policies are not parsed at run time: pass the facts of the module in `input`"),
    d("rem", Some("%"), &[Number, Number], Some(Number)),
    d("replace", None, &[String, String, String], Some(String)),
    d("round", None, &[Number], Some(Number)),
    d("semver.compare", None, &[String, String], Some(Number)),
    d("semver.is_valid", None, &[Any], Some(Boolean)),
    d("set_diff", None, &[SET, SET], Some(SET)).deprecated(),
    d("sort", None, &[OneOf(&[ARRAY, SET])], Some(ARRAY)),
    d("split", None, &[String, String], Some(STRINGS)),
    d("sprintf", None, &[String, ARRAY], Some(String)),
    d("startswith", None, &[String, String], Some(Boolean)),
    d(
        "strings.any_prefix_match",
        None,
        &[OneOf(&[String, STRINGS, STRING_SET]), OneOf(&[String, STRINGS, STRING_SET])],
        Some(Boolean),
    ),
    d(
        "strings.any_suffix_match",
        None,
        &[OneOf(&[String, STRINGS, STRING_SET]), OneOf(&[String, STRINGS, STRING_SET])],
        Some(Boolean),
    ),
    d("strings.count", None, &[String, String], Some(Number)),
    d(
        "strings.render_template",
        None,
        &[String, Object { fields: &[], rest: Some(&(String, Any)) }],
        Some(String),
    )
    .missing("templates are not rendered: use `sprintf` or `concat`"),
    d(
        "strings.replace_n",
        None,
        &[Object { fields: &[], rest: Some(&(String, String)) }, String],
        Some(String),
    ),
    d("strings.reverse", None, &[String], Some(String)),
    d("strings.split_n", None, &[String, String, Number], Some(STRINGS)),
    d("substring", None, &[String, Number, Number], Some(String)),
    d(
        "sum",
        None,
        &[OneOf(&[Array { items: &[], rest: Some(&Number) }, Set(&Number)])],
        Some(Number),
    ),
    d("time.add_date", None, &[Number, Number, Number, Number], Some(Number)),
    d(
        "time.clock",
        None,
        &[OneOf(&[Number, Array { items: &[Number, String], rest: None }])],
        Some(Array { items: &[Number, Number, Number], rest: None }),
    ),
    d(
        "time.date",
        None,
        &[OneOf(&[Number, Array { items: &[Number, String], rest: None }])],
        Some(Array { items: &[Number, Number, Number], rest: None }),
    ),
    d(
        "time.diff",
        None,
        &[
            OneOf(&[Number, Array { items: &[Number, String], rest: None }]),
            OneOf(&[Number, Array { items: &[Number, String], rest: None }]),
        ],
        Some(Array { items: &[Number, Number, Number, Number, Number, Number], rest: None }),
    ),
    d(
        "time.format",
        None,
        &[OneOf(&[
            Number,
            Array { items: &[Number, String], rest: None },
            Array { items: &[Number, String, String], rest: None },
        ])],
        Some(String),
    ),
    d("time.now_ns", None, &[], Some(Number)).varying(),
    d("time.parse_duration_ns", None, &[String], Some(Number)),
    d("time.parse_ns", None, &[String, String], Some(Number)),
    d("time.parse_rfc3339_ns", None, &[String], Some(Number)),
    d(
        "time.weekday",
        None,
        &[OneOf(&[Number, Array { items: &[Number, String], rest: None }])],
        Some(String),
    ),
    d("to_number", None, &[OneOf(&[Null, Boolean, Number, String])], Some(Number)),
    d("trace", None, &[String], Some(Boolean)),
    d("trim", None, &[String, String], Some(String)),
    d("trim_left", None, &[String, String], Some(String)),
    d("trim_prefix", None, &[String, String], Some(String)),
    d("trim_right", None, &[String, String], Some(String)),
    d("trim_space", None, &[String], Some(String)),
    d("trim_suffix", None, &[String, String], Some(String)),
    d("type_name", None, &[Any], Some(String)),
    d("union", None, &[Set(&SET)], Some(SET)),
    d("units.parse", None, &[String], Some(Number)),
    d("units.parse_bytes", None, &[String], Some(Number)),
    d("upper", None, &[String], Some(String)),
    d("uri.is_valid", None, &[String], Some(Boolean)),
    d("uri.parse", None, &[String], Some(Object { fields: &[], rest: Some(&(String, String)) })),
    d("urlquery.decode", None, &[String], Some(String)),
    d(
        "urlquery.decode_object",
        None,
        &[String],
        Some(Object { fields: &[], rest: Some(&(String, STRINGS)) }),
    ),
    d("urlquery.encode", None, &[String], Some(String)),
    d(
        "urlquery.encode_object",
        None,
        &[Object { fields: &[], rest: Some(&(String, OneOf(&[String, STRINGS, STRING_SET]))) }],
        Some(String),
    ),
    d("uuid.parse", None, &[String], Some(Object { fields: &[], rest: Some(&(String, Any)) })),
    d("uuid.rfc4122", None, &[String], Some(String)).varying(),
    d("walk", None, &[Any], Some(Array { items: &[ARRAY, Any], rest: None })).relation(),
    d("yaml.is_valid", None, &[String], Some(Boolean)),
    d("yaml.marshal", None, &[Any], Some(String)),
    d("yaml.unmarshal", None, &[String], Some(Any)),
];
