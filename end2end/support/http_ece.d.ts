// What the stories use of http_ece, which comes without types.
declare module "http_ece" {
  import type { ECDH } from "node:crypto";
  const ece: {
    decrypt(message: Buffer, keys: { version: "aes128gcm"; privateKey: ECDH; authSecret: string }): Buffer;
  };
  export default ece;
}
