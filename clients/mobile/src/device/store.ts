import { createAsyncStorage } from "@react-native-async-storage/async-storage";
import type { KeyValueStore } from "bandpro-sdk";

/** What is kept on this device. */
export function deviceStore(): KeyValueStore {
  return createAsyncStorage("bandpro");
}
