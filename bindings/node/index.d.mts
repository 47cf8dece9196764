export * from './index.js';
import * as taskbell from './index.js';
export default taskbell;
