package deploy

// What changes under way beside this one bring. Once they have landed, this
// file goes, and with it its uses in readmeSettings and TestLinks.
var (
	awaitedSettings = []string{"CHUNKGATE_S3_TAGS"}
	awaitedPages    = []string{"docs/performance.md"}
)
