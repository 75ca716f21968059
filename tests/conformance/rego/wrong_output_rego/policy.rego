# Returns what it was given, though its schema promises a decision.
package wrong_output

output := input
