# Calculates with numbers that no machine word holds.
package big_numbers

sum_is := input.a + input.b

product_is := input.a * input.b

equal_is := input.a == input.b
