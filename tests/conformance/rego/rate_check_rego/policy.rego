# Allows so many calls in a sliding window.
package rate_check

window := data.parameters.window_seconds

recent := sort([at | some at in input.requests; at > input.now - window])

free := data.parameters.limit - count(recent)

decision := {"allowed": true, "remaining": free - 1} if {
	free > 0
} else := {
	"allowed": false,
	"remaining": 0,
	"retry_after": (recent[abs(free)] + window) - input.now,
}
