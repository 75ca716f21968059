# Without a query the whole package is the answer.
package document

allow if input.role == "admin"

roles contains role if some role in input.roles

limits.daily := 10

limits.hourly := input.hourly

double(x) := x * 2

twice := double(input.hourly)
