/** Major version of the Node that runs the tests: some of what newer ones do cannot be had from Node 22. */
export const NODE_MAJOR = Number(process.versions.node.split('.')[0])
