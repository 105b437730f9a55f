import { describeStore } from '../../conformance/suite.ts';
import { openTemporaryStore } from '../../support/store.ts';

describeStore('SQLite', openTemporaryStore);
