# Chooses the least loaded target of a region.
package route_request

usable contains target if {
	some target in data.settings.targets
	target.region == input.region
	target.load <= data.parameters.load_max
}

gold := {target | some target in usable; target.gold}

candidates := gold if {
	input.tier == "gold"
	count(gold) > 0
} else := usable - gold

ranked := sort([[target.load, target.name] | some target in candidates])

default decision := {"target": "default"}

decision := {"target": name, "weight": weight} if {
	[load, name] := ranked[0]
	weight := round(100 * (1 - load))
}
