package builtins

parsed := time.parse_rfc3339_ns(input.at)

clock := time.clock([parsed, "Europe/Berlin"])

date := time.date(parsed)

day := time.weekday(parsed)

later := time.diff(time.add_date(parsed, 0, 1, 2), parsed)

hash := crypto.sha256(input.at)

claims := io.jwt.decode_verify(input.token, {"secret": "k", "aud": "writ"})

url := urlquery.encode_object({"a": ["1", "2"], "b": "x y"})

text := yaml.unmarshal("a: [1, {b: c}]")

patched := json.patch({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}])

leaves := [leaf | walk(input.tree, [_, leaf]); not is_object(leaf)]

reached := graph.reachable(input.graph, {"a"})

addresses := net.cidr_expand("10.0.0.0/30")

identified := uuid.rfc4122("k") == uuid.rfc4122("k")
