# Has a syntax error.
package syntax_error

allow if {
	input.x ==
}
