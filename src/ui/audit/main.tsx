import { mountPage } from '../components/page.tsx';
import { Audit } from './audit.tsx';

mountPage(Audit, 'central');
