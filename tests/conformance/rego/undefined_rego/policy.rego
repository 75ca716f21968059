# Decides for administrators only, without a default.
package undefined

allow if input.role == "admin"
