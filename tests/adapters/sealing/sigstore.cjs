// Verifies proofs with @sigstore/verify. In: JSON {package, name, publicKey (DER, base64), proofs: [{index, size, leaf,
// hashes, checkpoint}]} (bytes in base64). Out: one line per proof, "valid" or what is wrong with it.
const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const { createPublicKey, createHash } = require("node:crypto");
const { verifyCheckpoint } = require(`${input.package}/dist/tlog/checkpoint.js`);
const { verifyMerkleInclusion } = require(`${input.package}/dist/tlog/merkle.js`);

const bytes = (text) => Buffer.from(text, "base64");
const publicKey = createPublicKey({ key: bytes(input.publicKey), format: "der", type: "spki" });
const raw = bytes(input.publicKey).subarray(-32);
const logID = createHash("sha256").update(`${input.name}\n`).update(Buffer.from([1])).update(raw).digest();
const logs = [{ logID, publicKey, baseURL: `https://${input.name}` }];

for (const proof of input.proofs) {
  const entry = {
    canonicalizedBody: bytes(proof.leaf),
    inclusionProof: {
      logIndex: String(proof.index),
      hashes: proof.hashes.map(bytes),
      checkpoint: { envelope: proof.checkpoint },
    },
  };
  try {
    verifyMerkleInclusion(entry, verifyCheckpoint(entry, logs));
    console.log("valid");
  } catch (error) {
    console.log(error.message);
  }
}
