import { mountPage } from '../components/page.tsx';
import { Account } from './account.tsx';

mountPage(Account, 'central');
