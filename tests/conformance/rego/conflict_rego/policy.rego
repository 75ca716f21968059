# Gives one rule two values.
package conflict

level := "low" if input.score < 60

level := "high" if input.score > 40
