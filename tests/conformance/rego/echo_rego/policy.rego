# Returns its input.
package echo

output := input
