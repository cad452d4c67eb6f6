import { mountPage } from '../components/page.tsx';
import { Admin } from './admin.tsx';

mountPage(Admin, 'central');
