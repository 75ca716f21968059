# The decision.
package decision

import data.facts

risk := facts.risk

default decision := "review"

decision := "allow" if facts.risk < 2
