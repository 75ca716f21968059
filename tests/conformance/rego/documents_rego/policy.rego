# Returns every document that a policy sees.
package documents

settings := data.settings

parameters := data.parameters

context := data.context

input_data := input
