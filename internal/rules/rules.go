// Package rules holds one test: the rules of docs/rules, the code that applies them and the fixtures that show them name each other.
package rules
