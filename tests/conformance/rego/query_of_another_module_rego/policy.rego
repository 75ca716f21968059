# The facts.
package facts

risk := 3 if not input.known

risk := 1 if input.known
