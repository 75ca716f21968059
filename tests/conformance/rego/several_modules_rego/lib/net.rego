# Networks that more than one policy asks about.
package lib.net

private := {"10.0.0.0/8", "192.168.0.0/16"}

is_private(ip) if {
	some network in private
	net.cidr_contains(network, ip)
}
