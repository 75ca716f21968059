# Uses a variable that nothing gives a value.
package unsafe_variable

allow if limit > input.x
