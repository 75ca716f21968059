# Allows a request whose address is on the list of the operator or of the caller.
package ip_allowlist

allowlist := {ip | some ip in data.parameters.local_allowlist} | {ip | some ip in data.settings.remote_allowlist}

default allowed := false

allowed if input.ip in allowlist

reason := "IP missing from the input" if {
	not input.ip
} else := "allowed" if {
	allowed
} else := "denied"

decision := {
	"allowed": allowed,
	"input_data": input,
	"reason": reason,
}
