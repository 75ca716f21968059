# Prints, which nobody but its reader sees.
package prints

output := count(input) if {
	print("looked at", input)
}
