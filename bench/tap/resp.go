package tap

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// copyValue copies one value of Redis's protocol, whole with all it holds, and
// answers its kind and, of an array of strings, the first: a command's name.
// https://redis.io/docs/latest/develop/reference/protocol-spec/
func copyValue(to *bufio.Writer, from *bufio.Reader) (kind byte, first string, err error) {
	line, err := from.ReadSlice('\n')
	if err != nil {
		return 0, "", err
	}
	if len(line) < 3 {
		return 0, "", fmt.Errorf("unexpected line %q", line)
	}
	kind = line[0]
	var size int
	switch kind {
	case '+', '-', ':', '_', '#', ',', '(':
		_, err = to.Write(line)
		return kind, "", err
	case '$', '!', '=', '*', '~', '>', '%':
		if size, err = strconv.Atoi(string(line[1 : len(line)-2])); err != nil {
			return kind, "", err
		}
	default:
		return kind, "", fmt.Errorf("unexpected line %q", line)
	}
	if _, err := to.Write(line); err != nil {
		return kind, "", err
	}
	switch kind {
	case '$', '!', '=':
		first, err = copyBulk(to, from, size)
		return kind, first, err
	case '%':
		size *= 2
	}
	for i := range size { // a null has size -1
		_, text, err := copyValue(to, from)
		if err != nil {
			return kind, "", err
		}
		if i == 0 {
			first = text
		}
	}
	return kind, first, nil
}

// copyBulk copies a string of size bytes and answers it if it is short.
func copyBulk(to *bufio.Writer, from *bufio.Reader, size int) (string, error) {
	if size < 0 { // null
		return "", nil
	}
	var text string
	if size <= 32 {
		start, err := from.Peek(size)
		if err != nil {
			return "", err
		}
		text = string(start)
	}
	_, err := io.CopyN(to, from, int64(size)+2) // and the line's end
	return text, err
}
