package traces

output := count(input) if {
	trace(sprintf("looked at %d", [count(input)]))
	print("first", input[0])
}
