package old

default allow = false

allow {
	input.user == "ann"
}

reasons[reason] {
	not allow
	reason := "not ann"
}
