# Calls a function that reaches the network.
package network

allow if {
	response := http.send({"method": "GET", "url": "https://example.com"})
	response.status_code == 200
}
