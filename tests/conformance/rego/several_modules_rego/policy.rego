# The policy's own module; the others stand beside it.
package authz

import data.lib.net as networks
import data.lib.roles

default allow := false

allow if {
	roles.is_admin(input.user)
	networks.is_private(input.ip)
}
