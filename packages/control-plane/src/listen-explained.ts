import { GatewayError } from '@causeway/runtime/errors';
import { explainListenError, type ListenAddress } from '@causeway/runtime/listen-address';

/** A failed listen as one sentence that names the flag to change; other errors pass as they are. */
export async function listenExplained<T>(
  listening: Promise<T>,
  address: ListenAddress,
  flag: string,
): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const sentence = explainListenError(error, address, flag);
    if (sentence === undefined) throw error;
    throw new GatewayError({
      code: 'listen_failed',
      message: sentence,
      httpStatus: 500,
      grpcStatus: 9,
      cause: error,
    });
  }
}
