// An IPv6 listener without its quotes: YAML takes the brackets of `[2001:db8::10]:80` for a list and then chokes
// on the port, with words that help nobody. So before YAML sees the text, such brackets are replaced by private
// characters of the same length; the listener is then one plain word at its own place, and can be told apart.

const [OPEN, CLOSE] = ['\ue000', '\ue001']
const unquoted = /(?<=[\s[,])\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\](?=:[\d*])/g

/** rescueIp6: the text of a file, as long as before, with the brackets of unquoted IPv6 listeners replaced. */
export const rescueIp6 = (text: string): string => text.replace(unquoted, `${OPEN}$1${CLOSE}`)

/** restoreIp6: a word with its brackets back, and whether they had been replaced. */
export function restoreIp6(word: string): { text: string; rescued: boolean } {
  const text = word.replaceAll(OPEN, '[').replaceAll(CLOSE, ']')
  return { text, rescued: text !== word }
}
