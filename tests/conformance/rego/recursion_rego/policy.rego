# Defines a rule by itself.
package recursion

allow if not deny

deny if not allow
