# Uses more than a policy may.
package beyond_its_budget

output := count(numbers.range(1, 1000000000)) if input == "range"

output := sprintf(input.format, [1]) if input.format

output := count([1 | some a in digits; some b in digits; some c in digits; some d in digits; a + b + c + d < 0]) if input == "loop"

output := concat("", ["0123456789" | some a in digits; some b in digits; a + b >= 0]) if input == "return_much"

output := "fine" if input == "nothing"

digits := numbers.range(0, 999)
