package main

// near returns the word of a list that somebody who typed another may have meant: the one that differs in the fewest letters, and in at
// most a third of them. It is empty when there is none.
func near(typed string, list []string) string {
	best, found := len(typed)/3+1, ""
	for _, word := range list {
		if d := distance(typed, word); d < best {
			best, found = d, word
		}
	}
	return found
}

// distance counts the letters to add, drop, change or exchange with their neighbour to get from a to b.
func distance(a, b string) int {
	before, last, this := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		this[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}

// optionNames are the long options that encode.
func optionNames() (names []string) {
	for i := range options {
		if options[i].role != printing {
			names = append(names, options[i].long)
		}
	}
	return names
}
